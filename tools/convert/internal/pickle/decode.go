package pickle

import (
	"errors"
	"fmt"
)

// Load decodes the pickle at the start of data and returns its value and its
// length in bytes; what follows is not looked at. The value does not alias
// data. Every error names the offset and the instruction where reading ended.
func Load(data []byte, opt Options) (value any, n int, err error) {
	m := machine{
		in:   input{data: data},
		opt:  opt,
		left: min(len(data), MaxValues),
		memo: make(map[uint32]any),
	}
	for {
		start := m.in.pos
		op, err := m.in.byte()
		if err != nil {
			return nil, 0, fmt.Errorf("offset %d: the pickle ends without STOP", start)
		}
		if opcode(op) == opStop {
			value, err := m.stop()
			if err != nil {
				return nil, 0, fmt.Errorf("offset %d: %v: %w", start, opStop, err)
			}
			return value, m.in.pos, nil
		}
		if err := m.step(opcode(op)); err != nil {
			var refused *GlobalError
			if errors.As(err, &refused) {
				refused.Offset = start
				return nil, 0, refused
			}
			return nil, 0, fmt.Errorf("offset %d: %v: %w", start, opcode(op), err)
		}
	}
}

// step runs one instruction, in the order of Python's pickletools.
func (m *machine) step(op opcode) error {
	switch op {
	case opProto:
		return m.proto()
	case opFrame:
		return m.frame()

	case opMark:
		return m.open()
	case opPop:
		return m.drop()
	case opPopMark:
		_, err := m.popMark()
		return err
	case opDup:
		return m.dup()

	case opNone:
		return m.push(nil)
	case opNewTrue:
		return m.push(true)
	case opNewFalse:
		return m.push(false)
	case opBinInt:
		return m.binInt(4)
	case opBinInt1:
		return m.binInt(1)
	case opBinInt2:
		return m.binInt(2)
	case opLong1:
		return m.long(1)
	case opLong4:
		return m.long(4)
	case opBinFloat:
		return m.float()

	case opShortBinString:
		return m.text(1, false)
	case opBinString:
		return m.text(4, false)
	case opShortUnicode:
		return m.text(1, true)
	case opBinUnicode:
		return m.text(4, true)
	case opBinUnicode8:
		return m.text(8, true)
	case opShortBinBytes:
		return m.bytes(1)
	case opBinBytes:
		return m.bytes(4)
	case opBinBytes8, opByteArray8:
		return m.bytes(8)

	case opEmptyList:
		return m.push(&List{})
	case opAppend:
		return m.append1()
	case opAppends:
		return m.appends()
	case opEmptyTuple:
		return m.push(Tuple(nil))
	case opTuple1:
		return m.tuple(1)
	case opTuple2:
		return m.tuple(2)
	case opTuple3:
		return m.tuple(3)
	case opTuple:
		return m.tupleMark()
	case opEmptyDict:
		return m.push(&Dict{})
	case opSetItem:
		return m.setItem()
	case opSetItems:
		return m.setItems()
	case opEmptySet:
		return m.push(&Set{})
	case opAddItems:
		return m.addItems()
	case opFrozenSet:
		return m.frozenSet()

	case opBinGet:
		return m.get(1)
	case opLongBinGet:
		return m.get(4)
	case opBinPut:
		return m.put(1)
	case opLongBinPut:
		return m.put(4)
	case opMemoize:
		return m.memoize()

	case opGlobal:
		return m.global()
	case opStackGlobal:
		return m.stackGlobal()
	case opReduce, opNewObj:
		return m.call(op == opNewObj)
	case opBuild:
		return m.build()
	case opBinPersID:
		return m.persistent()
	}
	if _, known := names[op]; known {
		return errors.New("this instruction is not supported")
	}
	return errors.New("unknown instruction")
}
