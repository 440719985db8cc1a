package safetensors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
)

// checkHeader checks what the library lets pass: that the header is one JSON
// object in UTF-8 whose keys are unique. Of two equal keys one would win
// silently, and not the same one in every reader.
func checkHeader(header []byte) error {
	if len(header) == 0 || header[0] != '{' {
		return fmt.Errorf("the header does not start with '{'")
	}
	if !utf8.Valid(header) {
		return fmt.Errorf("the header is not UTF-8")
	}
	seen := map[string]bool{}
	dec := json.NewDecoder(bytes.NewReader(header))
	dec.UseNumber()
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("the header is not JSON: %w", err)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fmt.Errorf("the header is not JSON: %w", err)
		}
		name, ok := key.(string)
		if !ok {
			return fmt.Errorf("the header is not a JSON object")
		}
		if seen[name] {
			return fmt.Errorf("tensor %q is there twice", name)
		}
		if len(seen) > checkpoint.MaxTensors { // with the metadata
			return fmt.Errorf("more than %d tensors", checkpoint.MaxTensors)
		}
		seen[name] = true
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return fmt.Errorf("the header is not JSON: %w", err)
		}
	}
	return nil
}
