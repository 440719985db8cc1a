package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/internal/reference"
	"github.com/rnnedge/rnnedge/tools/convert/converter"
	"github.com/rnnedge/rnnedge/tools/internal/atomicfile"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// table writes a row of Markdown for each model: how far the engine is from the outputs of
// the system that the model comes from, how far these are from float64, the sizes of the files, and what int8 costs.
func table(w, stderr io.Writer, all []subject, smallest int) error {
	fmt.Fprintln(w, "| model | source | largest error | the source's own | file | as float32 | as int8 | int8 SNR |")
	fmt.Fprintln(w, "|---|---|--:|--:|--:|--:|--:|--:|")
	for _, s := range all {
		m, x, err := s.load()
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(stderr, "left out:", err)
			continue
		}
		if err != nil {
			return err
		}
		worst, own := "–", "–"
		if s.want != "" {
			have, err := s.run(m, x)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			want, err := s.reference()
			if err != nil {
				return err
			}
			if s.beside {
				want = apart(want, s.streams, m.OutputSize())
			}
			if len(want) != len(have) {
				return fmt.Errorf("%s: %d outputs, want the %d of %s", s.name, len(have), len(want), s.want)
			}
			exact := s.float64(m, x)
			var largest, sources float64
			for i, v := range want {
				scale := max(1, math.Abs(v))
				largest = max(largest, math.Abs(float64(have[i])-v)/scale)
				sources = max(sources, math.Abs(exact[i]-v)/scale)
			}
			worst, own = fmt.Sprintf("%.1e", largest), fmt.Sprintf("%.1e", sources)
		}
		source, err := os.Stat(s.source)
		if err != nil {
			return err
		}
		q, err := rounded(m, smallest, (*converter.Calibration).Random)
		if err != nil {
			return err
		}
		small, snr := "–", "–"
		for i := range q.Tensors {
			if q.Tensors[i].I8 != nil {
				small = kilobytes(size(q))
				if x == nil {
					break
				}
				coarse, err := s.run(q, x)
				if err != nil {
					return err
				}
				snr = fmt.Sprintf("%.1f dB", compare("", s.float64(m, x), coarse).snr)
				break
			}
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", s.name, m.Value("source format"), worst, own, kilobytes(int(source.Size())), kilobytes(size(m)), small, snr)
	}
	return nil
}

// refusals writes a row of Markdown for each file that does not convert as it is, with the
// first line of what the converter says.
func refusals(w, stderr io.Writer, models string) error {
	fmt.Fprint(w, "\n| file | refused with |\n|---|---|\n")
	folder, err := os.MkdirTemp("", "accuracy-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	rate, err := npy.New([]int64{16000})
	if err != nil {
		return err
	}
	sr := filepath.Join(folder, "sr.npy")
	if err := atomicfile.Write(sr, func(w io.Writer) error { return npy.Write(w, rate) }); err != nil {
		return err
	}
	for _, name := range refused {
		path := filepath.Join(models, filepath.FromSlash(name))
		r, err := converter.Options{}.Convert(path)
		if err != nil && strings.Contains(err.Error(), "give its value with -bind") { // Silero's sample rate
			r, err = converter.Options{Bind: map[string]string{"sr": sr}}.Convert(path)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			fmt.Fprintln(stderr, "left out:", err)
			continue
		case err == nil:
			return fmt.Errorf("%s is listed as refused and converts, as %s", name, r.Source)
		}
		line, _, _ := strings.Cut(err.Error(), "\n")
		line, _, _ = strings.Cut(line, "; save this as") // and a draft of a spec
		fmt.Fprintf(w, "| %s | %s |\n", name, strings.ReplaceAll(strings.TrimPrefix(line, path+": "), "|", "\\|"))
	}
	return nil
}

func size(m *format.Model) int {
	file, err := format.Marshal(m)
	if err != nil {
		return 0
	}
	return len(file)
}

func kilobytes(n int) string { return fmt.Sprintf("%.1f KB", float64(n)/1000) }

// sequences cuts x, each from the initial state; of each the outputs of its last step
// count if s says so.
func (s subject) sequences(m *format.Model, x []float32, run func(x []float32, steps int) error) error {
	n := len(x) / max(1, s.streams)
	for ; len(x) > 0; x = x[n:] {
		if err := run(x[:n], n/m.InputSize()); err != nil {
			return err
		}
	}
	return nil
}

func (s subject) run(m *format.Model, x []float32) (ys []float32, err error) {
	file, err := format.Marshal(m)
	if err != nil {
		return nil, err
	}
	engine, err := infer.FromBytes(file)
	if err != nil {
		return nil, err
	}
	O, session := m.OutputSize(), engine.NewSession()
	err = s.sequences(m, x, func(x []float32, steps int) error {
		session.Reset()
		y := make([]float32, steps*O)
		if _, err := session.Run(y, x); err != nil {
			return err
		}
		if s.last {
			y = y[len(y)-O:]
		}
		ys = append(ys, y...)
		return nil
	})
	return ys, err
}

func (s subject) float64(m *format.Model, x []float32) (ys []float64) {
	s.sequences(m, x, func(x []float32, steps int) error {
		y := reference.New(m).Run(x, steps)
		if s.last {
			y = y[len(y)-1:]
		}
		for _, v := range y {
			ys = append(ys, v...)
		}
		return nil
	})
	return ys
}

// reference is what the source system gave: "x.npz:a+b" is a and b side by side, step by step.
func (s subject) reference() (want []float64, err error) {
	path, names, archive := strings.Cut(s.want, ".npz:")
	if !archive {
		return column(path)
	}
	z, err := npy.ReadArchive(path + ".npz")
	if err != nil {
		return nil, err
	}
	var arrays [][]float64
	steps := 0
	for _, name := range strings.Split(names, "+") {
		a, err := z.Array(name)
		if err != nil {
			return nil, err
		}
		arrays = append(arrays, a.Float64())
		steps = a.Shape[0]
	}
	if len(arrays) == 1 {
		return arrays[0], nil
	}
	for t := range steps {
		for _, a := range arrays {
			n := len(a) / steps
			want = append(want, a[t*n:][:n]...)
		}
	}
	return want, nil
}
