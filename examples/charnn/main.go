// Command charnn is the character model of Andrej Karpathy's essay "The
// Unreasonable Effectiveness of Recurrent Neural Networks", from checkpoint to
// running text: it converts a PyTorch checkpoint, opens the model, measures it on
// a passage it has not seen, and lets it write.
//
//	go run ./examples/charnn -prompt "And the king said" -temperature 0.7
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/convert/converter"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("charnn: ")
	dir := flag.String("dir", "examples/charnn", "`folder` of charnn.pt, charnn.yaml and heldout.txt")
	int8 := flag.Bool("int8", false, "store the weights as int8")
	keep := flag.String("o", "", "keep the converted model in this `file`")
	prompt := flag.String("prompt", "In the beginning", "what the text starts with")
	temperature := flag.Float64("temperature", 0.6, "how freely to choose: towards 0 the likeliest character, 1 as learned")
	length := flag.Int("length", 600, "characters to write")
	seed := flag.Uint64("seed", 1, "of the random choices; the same seed writes the same text")
	flag.Parse()
	if err := run(os.Stdout, *dir, *int8, *keep, *prompt, *temperature, *length, *seed); err != nil {
		log.Fatal(err)
	}
}

func run(w io.Writer, dir string, int8 bool, keep, prompt string, temperature float64, length int, seed uint64) error {
	if !(temperature > 0) {
		return fmt.Errorf("temperature is %v, want more than 0", temperature)
	}
	// 1. The checkpoint becomes a .rnn file. A device gets only that file.
	source := filepath.Join(dir, "charnn.pt")
	converted, err := converter.Options{Int8: int8}.Convert(source)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: run from the root of the repository, or give -dir", err)
	}
	if err != nil {
		return err
	}
	path := keep
	if path == "" {
		temporary, err := os.MkdirTemp("", "charnn-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary)
		path = filepath.Join(temporary, "charnn.rnn")
	}
	if err := format.WriteFile(path, converted.Model); err != nil {
		return err
	}

	// 2. The engine maps it. From here on this is what a device runs.
	m, err := infer.Open(path)
	if err != nil {
		return err
	}
	defer m.Close()
	before, err := os.Stat(source)
	if err != nil {
		return err
	}
	after, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "model       %s, %d bytes → %d bytes\n", source, before.Size(), after.Size())
	fmt.Fprintf(w, "kernels     %s\n", m.ISA())
	if err := m.Verify(); err != nil {
		return err
	}
	fmt.Fprintf(w, "witness     %d steps: the same bits as when converted\n", m.Format().Witness.Steps)

	c := newCharacters(m)
	passage, err := os.ReadFile(filepath.Join(dir, "heldout.txt"))
	if err != nil {
		return err
	}
	start := time.Now()
	bits, err := c.bitsPerCharacter(string(passage))
	if err != nil {
		return err
	}
	read := utf8.RuneCount(passage)
	rate := float64(read) / time.Since(start).Seconds()
	fmt.Fprintf(w, "held out    %.4f bits per character over %d characters of text it has never seen\n", bits, read)
	fmt.Fprintf(w, "speed       %.0f steps/s, one at a time\n\n", rate)

	text, err := c.write(prompt, length, temperature, rand.New(rand.NewPCG(seed, 0)))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, text)
	return err
}

// characters is one stream through the model: characters in, the logits of the
// next character out.
type characters struct {
	session    *infer.Session
	vocabulary []rune       // the character of each token
	token      map[rune]int // and back
	x, logits  []float32    // the arguments of a step
}

func newCharacters(m *infer.Model) *characters {
	c := &characters{
		session:    m.NewSession(),
		vocabulary: []rune(m.Meta("vocabulary")),
		token:      make(map[rune]int),
		x:          make([]float32, m.InputSize()),
		logits:     make([]float32, m.OutputSize()),
	}
	for i, r := range c.vocabulary {
		c.token[r] = i
	}
	return c
}

// read steps the model with one character.
func (c *characters) read(r rune) error {
	token, ok := c.token[r]
	if !ok {
		return fmt.Errorf("the model knows no %q, only %q", r, string(c.vocabulary))
	}
	c.x[0] = float32(token)
	return c.session.Step(c.logits, c.x)
}

// probabilities is the softmax of the logits at a temperature.
func (c *characters) probabilities(temperature float64) []float64 {
	largest, sum := math.Inf(-1), 0.0
	for _, v := range c.logits {
		largest = max(largest, float64(v))
	}
	p := make([]float64, len(c.logits))
	for i, v := range c.logits {
		p[i] = math.Exp((float64(v) - largest) / temperature)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// bitsPerCharacter is the mean of −log₂ p over every character but the first,
// from the initial state.
func (c *characters) bitsPerCharacter(text string) (float64, error) {
	c.session.Reset()
	runes, sum := []rune(text), 0.0
	for i, r := range runes {
		if i > 0 {
			sum -= math.Log2(c.probabilities(1)[c.token[r]])
		}
		if err := c.read(r); err != nil {
			return 0, err
		}
	}
	return sum / float64(len(runes)-1), nil
}

// write continues the prompt.
func (c *characters) write(prompt string, length int, temperature float64, random *rand.Rand) (string, error) {
	c.session.Reset()
	var text strings.Builder
	next := func(r rune) error {
		text.WriteRune(r)
		return c.read(r)
	}
	for _, r := range "\n" + prompt { // a verse starts on a new line
		if err := next(r); err != nil {
			return "", err
		}
	}
	for range length {
		if err := next(c.vocabulary[choose(c.probabilities(temperature), random.Float64())]); err != nil {
			return "", err
		}
	}
	return strings.TrimSpace(text.String()), nil
}

// choose returns the index whose share of [0, 1) holds at.
func choose(p []float64, at float64) int {
	for i, v := range p {
		if at -= v; at < 0 {
			return i
		}
	}
	return len(p) - 1
}
