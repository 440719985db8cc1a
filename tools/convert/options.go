package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/converter"
	"github.com/rnnedge/rnnedge/tools/convert/internal/proof"
	"github.com/rnnedge/rnnedge/tools/internal/cli"
)

// options is what the command line says.
type options struct {
	source   string
	out      string // the model to write
	inspect  bool   // only print what the model source holds
	quantise string // the type of the matrices, "" for float32
	convert  converter.Options
	proving  proving
}

// newFlags returns the flags that set o.
func newFlags(o *options) *flag.FlagSet {
	flags := flag.NewFlagSet("convert", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints errors, and help where it is asked for
	c, p := &o.convert, &o.proving
	flags.StringVar(&o.out, "o", "", "write the model to this `file`")
	flags.BoolVar(&o.inspect, "inspect", false, "print what the .rnn model SOURCE holds")
	flags.StringVar(&c.Spec, "spec", "", "what the tensors do not say, or the configuration of a Keras model: a YAML or JSON `file`")
	flags.Func("bind", "make an ONNX model's input a constant: `NAME=FILE`, once for each", func(s string) error {
		name, file, ok := strings.Cut(s, "=")
		if !ok || name == "" || file == "" {
			return errors.New("want NAME=FILE")
		}
		if c.Bind[name] != "" {
			return fmt.Errorf("%s is bound already, to %s", name, c.Bind[name])
		}
		if c.Bind == nil {
			c.Bind = map[string]string{}
		}
		c.Bind[name] = file
		return nil
	})
	list := func(to *[]string) func(string) error {
		return func(s string) error {
			*to = append(*to, s)
			return nil
		}
	}
	flags.Func("state", "the input `NAME` of a model of one step is a state, once for each, where shapes do not tell", list(&c.States))
	flags.StringVar(&o.quantise, "q", "", "store the matrices in this `type`: int8")
	flags.IntVar(&c.Vectors, "vectors", 8, "with -q, multiply vectors of so many `bits`: 8 or 16")
	flags.Func("keep", "with -q, leave the layer `NAME` float32, once for each", list(&c.Keep))
	flags.StringVar(&c.Calibrate, "calibrate", "", "with -q, round the weights for this `data`")
	flags.IntVar(&p.steps, "steps", proof.DefaultSteps, "compare the model with float64 for `N` steps; 0: not at all")
	flags.StringVar(&p.input, "input", "", "run the model on this .npy `file` for that, not on random numbers or the first -check's")
	flags.Func("check", "compare with another system: `X.npy=Y.npy`, inputs and outputs, once for each", p.addCheck)
	flags.Float64Var(&p.tolerance.Float32, "tolerance", proof.DefaultTolerance, "with -check, the largest `error` in float32")
	flags.Float64Var(&p.tolerance.Int8, "tolerance-int8", 0, "with -check and -q, the largest `error` in int8; 0: any")
	flags.StringVar(&p.report, "report", "", "write what was found as an HTML page to this `file`")
	flags.StringVar(&p.emit, "emit-go", "", "write a Go package with the model inside to this `folder`")
	return flags
}

// printHelp writes what -h asks for.
func printHelp(w io.Writer) {
	fmt.Fprint(w, help)
	flags := newFlags(new(options))
	flags.SetOutput(w)
	flags.PrintDefaults()
	fmt.Fprint(w, topics)
}

// parse reads the command line. flag.ErrHelp says that help was asked for.
func parse(args []string) (*options, error) {
	o := new(options)
	flags := newFlags(o)
	sources, err := cli.Parse(flags, args)
	if err != nil {
		return nil, err
	}
	switch len(sources) {
	case 0:
		return nil, errors.New("no SOURCE given")
	case 1:
	default:
		return nil, fmt.Errorf("%d sources, %q, want 1", len(sources), sources)
	}
	o.source = sources[0]
	said := map[string]bool{}
	var others []string // beside -inspect
	flags.Visit(func(f *flag.Flag) {
		if said[f.Name] = true; f.Name != "inspect" {
			others = append(others, "-"+f.Name)
		}
	})
	if o.inspect {
		if len(others) > 0 {
			return nil, fmt.Errorf("-inspect goes without %s", strings.Join(others, ", "))
		}
		return o, nil
	}
	if err := o.fits(said); err != nil {
		return nil, err
	}
	o.convert.Int8 = o.quantise != ""
	return o, nil
}

// fits verifies that the flags of a conversion go together; said are those that were given.
func (o *options) fits(said map[string]bool) error {
	p := &o.proving
	switch {
	case o.out == "":
		return errors.New("-o is missing: where to write the model")
	case o.quantise != "" && o.quantise != "int8":
		return fmt.Errorf("-q %s: want int8", o.quantise)
	case (said["vectors"] || said["keep"] || said["calibrate"]) && o.quantise == "":
		return errors.New("-vectors, -keep and -calibrate go with -q: without it every layer is float32")
	case o.convert.Vectors != 8 && o.convert.Vectors != 16:
		return fmt.Errorf("-vectors %d: want 8 or 16", o.convert.Vectors)
	case p.steps < 0 || p.steps > maxSteps:
		return fmt.Errorf("-steps %d: want 0 to %d", p.steps, maxSteps)
	case p.steps == 0 && p.input != "":
		return errors.New("-input goes without -steps 0: it is what the proof runs on")
	case !(p.tolerance.Float32 > 0) || !(p.tolerance.Int8 >= 0):
		return errors.New("-tolerance wants a number above 0, -tolerance-int8 one not below")
	case said["tolerance"] && len(p.checks) == 0:
		return errors.New("-tolerance goes with -check: it is how far that may be off")
	case p.tolerance.Int8 > 0 && (o.quantise == "" || len(p.checks) == 0):
		return errors.New("-tolerance-int8 goes with -q int8 and -check")
	}
	return nil
}
