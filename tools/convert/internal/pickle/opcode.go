package pickle

import "fmt"

// opcode is one instruction of the pickle machine.
type opcode byte

const (
	opProto          opcode = 0x80
	opFrame          opcode = 0x95
	opStop           opcode = '.'
	opMark           opcode = '('
	opPop            opcode = '0'
	opPopMark        opcode = '1'
	opDup            opcode = '2'
	opNone           opcode = 'N'
	opNewTrue        opcode = 0x88
	opNewFalse       opcode = 0x89
	opBinInt         opcode = 'J'
	opBinInt1        opcode = 'K'
	opBinInt2        opcode = 'M'
	opLong1          opcode = 0x8a
	opLong4          opcode = 0x8b
	opBinFloat       opcode = 'G'
	opBinString      opcode = 'T'
	opShortBinString opcode = 'U'
	opBinUnicode     opcode = 'X'
	opShortUnicode   opcode = 0x8c
	opBinUnicode8    opcode = 0x8d
	opBinBytes       opcode = 'B'
	opShortBinBytes  opcode = 'C'
	opBinBytes8      opcode = 0x8e
	opByteArray8     opcode = 0x96
	opEmptyList      opcode = ']'
	opAppend         opcode = 'a'
	opAppends        opcode = 'e'
	opEmptyTuple     opcode = ')'
	opTuple          opcode = 't'
	opTuple1         opcode = 0x85
	opTuple2         opcode = 0x86
	opTuple3         opcode = 0x87
	opEmptyDict      opcode = '}'
	opSetItem        opcode = 's'
	opSetItems       opcode = 'u'
	opEmptySet       opcode = 0x8f
	opAddItems       opcode = 0x90
	opFrozenSet      opcode = 0x91
	opBinGet         opcode = 'h'
	opLongBinGet     opcode = 'j'
	opBinPut         opcode = 'q'
	opLongBinPut     opcode = 'r'
	opMemoize        opcode = 0x94
	opGlobal         opcode = 'c'
	opStackGlobal    opcode = 0x93
	opReduce         opcode = 'R'
	opNewObj         opcode = 0x81
	opBuild          opcode = 'b'
	opBinPersID      opcode = 'Q'
)

// names holds every instruction Python knows, so that a refusal can name it.
var names = map[opcode]string{
	opProto: "PROTO", opFrame: "FRAME", opStop: "STOP", opMark: "MARK",
	opPop: "POP", opPopMark: "POP_MARK", opDup: "DUP",
	opNone: "NONE", opNewTrue: "NEWTRUE", opNewFalse: "NEWFALSE",
	opBinInt: "BININT", opBinInt1: "BININT1", opBinInt2: "BININT2",
	opLong1: "LONG1", opLong4: "LONG4", opBinFloat: "BINFLOAT",
	opBinString: "BINSTRING", opShortBinString: "SHORT_BINSTRING",
	opBinUnicode: "BINUNICODE", opShortUnicode: "SHORT_BINUNICODE", opBinUnicode8: "BINUNICODE8",
	opBinBytes: "BINBYTES", opShortBinBytes: "SHORT_BINBYTES", opBinBytes8: "BINBYTES8",
	opByteArray8: "BYTEARRAY8",
	opEmptyList:  "EMPTY_LIST", opAppend: "APPEND", opAppends: "APPENDS",
	opEmptyTuple: "EMPTY_TUPLE", opTuple: "TUPLE",
	opTuple1: "TUPLE1", opTuple2: "TUPLE2", opTuple3: "TUPLE3",
	opEmptyDict: "EMPTY_DICT", opSetItem: "SETITEM", opSetItems: "SETITEMS",
	opEmptySet: "EMPTY_SET", opAddItems: "ADDITEMS", opFrozenSet: "FROZENSET",
	opBinGet: "BINGET", opLongBinGet: "LONG_BINGET",
	opBinPut: "BINPUT", opLongBinPut: "LONG_BINPUT", opMemoize: "MEMOIZE",
	opGlobal: "GLOBAL", opStackGlobal: "STACK_GLOBAL",
	opReduce: "REDUCE", opNewObj: "NEWOBJ", opBuild: "BUILD", opBinPersID: "BINPERSID",

	// Known and refused.
	'I': "INT", 'L': "LONG", 'F': "FLOAT", 'S': "STRING", 'V': "UNICODE",
	'p': "PUT", 'g': "GET", 'l': "LIST", 'd': "DICT", 'P': "PERSID",
	'i': "INST", 'o': "OBJ", 0x92: "NEWOBJ_EX",
	0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4",
	0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
}

// String returns Python's name of the instruction, or its byte.
func (op opcode) String() string {
	if name, ok := names[op]; ok {
		return name
	}
	return fmt.Sprintf("%#02x", byte(op))
}
