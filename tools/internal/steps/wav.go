package steps

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A Sound is what a .wav file holds.
type Sound struct {
	X        []float32 // a frame after the other, each of Channels samples from −1 to 1
	Channels int
	Rate     int // frames a second
}

// The codings of samples, by the numbers of the format (Microsoft, Multimedia Programming
// Interface and Data Specifications 1.0, and the extensible format of 1998, whose GUID
// begins with one of the first two).
const (
	wavPCM        = 1
	wavFloat      = 3
	wavExtensible = 0xfffe
)

// maxChannels is far above any microphone array's.
const maxChannels = 1024

// DecodeWAV reads a RIFF WAVE file: whole numbers of 8, 16, 24 or 32 bits, or floats of 32 or
// 64. A recorder that did not come to write its length leaves 0 or 2³²−1 there: then the
// sound goes to the end of the file. Where the file's own length was written and is right,
// 0 is the length of a sound without samples.
func DecodeWAV(b []byte) (*Sound, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, errors.New("not a RIFF WAVE file")
	}
	le := binary.LittleEndian
	whole := uint64(le.Uint32(b[4:]))+8 == uint64(len(b))
	var coding, bits int
	s := &Sound{}
	for b = b[12:]; len(b) >= 8; {
		id, size := string(b[:4]), uint64(le.Uint32(b[4:]))
		b = b[8:]
		chunk := b[:min(size, uint64(len(b)))]
		switch id {
		case "fmt ":
			if len(chunk) < 16 {
				return nil, fmt.Errorf("fmt has %d bytes, want 16 or more", len(chunk))
			}
			coding, bits = int(le.Uint16(chunk)), int(le.Uint16(chunk[14:]))
			s.Channels, s.Rate = int(le.Uint16(chunk[2:])), int(min(le.Uint32(chunk[4:]), math.MaxInt32))
			if coding == wavExtensible && len(chunk) >= 26 {
				coding = int(le.Uint16(chunk[24:]))
			}
			if s.Channels < 1 || s.Channels > maxChannels {
				return nil, fmt.Errorf("fmt says %d channels, want 1 to %d", s.Channels, maxChannels)
			}
		case "data":
			if s.Channels == 0 {
				return nil, errors.New("data comes before fmt")
			}
			switch {
			case size == 0 && !whole || size == math.MaxUint32:
				chunk = b
			case uint64(len(chunk)) < size:
				return nil, fmt.Errorf("data has %d bytes, want the %d that it says", len(chunk), size)
			}
			sample, err := sampler(coding, bits)
			if err != nil {
				return nil, err
			}
			frame := s.Channels * bits / 8
			s.X = make([]float32, len(chunk)/frame*s.Channels)
			for i := range s.X {
				s.X[i] = sample(chunk[i*bits/8:])
			}
			return s, nil
		}
		if size += size & 1; size > uint64(len(b)) { // chunks are of even size
			break
		}
		b = b[size:]
	}
	return nil, errors.New("found no data chunk")
}

// sampler is the function that reads the sample at the head of some bytes.
func sampler(coding, bits int) (func(b []byte) float32, error) {
	le := binary.LittleEndian
	switch {
	case coding == wavPCM && bits == 8: // the only one without a sign
		return func(b []byte) float32 { return float32(int(b[0])-128) / (1 << 7) }, nil
	case coding == wavPCM && bits == 16:
		return func(b []byte) float32 { return float32(int16(le.Uint16(b))) / (1 << 15) }, nil
	case coding == wavPCM && bits == 24:
		return func(b []byte) float32 { return float32(int32(b[0])|int32(b[1])<<8|int32(int8(b[2]))<<16) / (1 << 23) }, nil
	case coding == wavPCM && bits == 32:
		return func(b []byte) float32 { return float32(int32(le.Uint32(b))) / (1 << 31) }, nil
	case coding == wavFloat && bits == 32:
		return func(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) }, nil
	case coding == wavFloat && bits == 64:
		return func(b []byte) float32 { return float32(math.Float64frombits(le.Uint64(b))) }, nil
	}
	return nil, fmt.Errorf("samples are of coding %d with %d bits, supported are whole numbers (1) of 8, 16, 24 and 32 bits and floats (3) of 32 and 64", coding, bits)
}
