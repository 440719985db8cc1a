package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// Write writes a as a .npy file: version 1, little-endian, C order.
func Write(w io.Writer, a *Array) error {
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", a.elem.descr(), Tuple(a.Shape))
	// Spaces and a newline, so that the elements start on a multiple of 64 bytes.
	start := len(magic) + 4
	padding := 63 - (start+len(text))%64
	text += strings.Repeat(" ", padding) + "\n"

	b := append([]byte(magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(text)))
	b = append(b, text...)
	if _, err := w.Write(b); err != nil {
		return err
	}
	_, err := w.Write(a.data)
	return err
}
