// Command convert makes a .rnn model from weights trained elsewhere. Run it with
// -h for what it reads and how.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/converter"
)

const usage = `convert makes a .rnn model from weights trained elsewhere.

  convert -o model.rnn [-spec spec.yaml] [-bind NAME=FILE ...]
          [-q int8 [-keep NAME ...]] SOURCE
  convert -inspect model.rnn

for example

  convert -o vad.rnn vad.onnx
  convert -o vad.rnn -bind sr=rate.npy vad.onnx
  convert -o char.rnn -spec char.yaml -q int8 -keep head char.pt
  convert -inspect char.rnn

SOURCE is a PyTorch state_dict (.pt, .pth, in either of its file formats, in
float32, float16 or bfloat16, alone or in a dict beside other things), a
.safetensors file, an ONNX model with RNN, LSTM and GRU nodes, a TensorFlow Lite model
with fused RNN and LSTM operators, or what audio plug-ins load: JSON of RTNeural, AIDA-X
or GuitarML, and .nam with an LSTM.
It is recognised by its content. Nothing in it is executed.

An ONNX model converts as it is, for one step of one stream: an initial state that
is an input becomes the state of a session. One with a reverse or bidirectional
node needs whole sequences. What would make the result another one is refused.

-bind makes an input of an ONNX model a constant, from a TensorProto (.pb) or an
array (.npy) of the input's type and shape. It is for weights that are inputs, for
an initial state, and for what a model decides by, as a sample rate:

  -bind W=w.npy -bind R=r.npy
  -bind h0=h0.npy             # [directions, 1, units], for one stream
  -bind sr=rate.npy           # numpy.save("rate.npy", numpy.int64(16000))

A state_dict holds tensors, not the order of the layers or their activations.
One that is a single LSTM or GRU stack converts as it is. Any other needs a
spec, in YAML or JSON, given with -spec or lying beside SOURCE with the ending
.yaml; without one, the error prints a spec to start from. For example:

  layers:
    - embedding: embed      # embed.weight; the value is the tensors' prefix
    - lstm: rnn             # rnn.weight_ih_l0 …: every stacked layer; or gru
    - dense: head           # head.weight, head.bias
      activation: sigmoid   # a function, see below
  meta:
    labels: speech

Other layers: rnn (activation: tanh or relu), apply: tanh (a function alone),
softmax:, log_softmax:, add: [a, b], mul: [a, b] and concat: [a, b, …] (of layers by
name; the model's input is called input), scale: p (p.weight times x plus p.bias),
layernorm: p and batchnorm: p (with epsilon: 1e-5 if it is not said). A layer reads
the one before it unless it says from: NAME; output: NAME picks another output than
the last layer; ignore: lists prefixes of tensors to leave out.

A layer that runs both ways, and a projection (proj_size), show in the tensors.
merge: concat, sum, mul or average says how the two ways are joined (concat if it is
not said); direction: reverse makes a layer for one way run from the end to the
start. A model with a layer that runs backward needs whole sequences.

Functions without parameters: linear, sigmoid, tanh, relu, softsign, softplus. With
them, as in activation: {elu: 1} or apply: {clip: [0, 6]}: leaky relu, elu and
thresholded relu (α); hard sigmoid, min(max(αx+β, 0), 1), scaled tanh, α·tanh(βx),
affine, αx+β, and clip, from α to β.

-q int8 stores the matrices as int8, a scale for each row: a quarter of the size, and
about three times as fast where the weights are what takes time. The cell states and
everything between the matrices stay float32. -keep NAME leaves a layer as it is; the
names are those that convert prints.

The model gets a witness, the digest of what it computes: run -verify model.rnn
checks it on any machine.

`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("convert", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("o", "", "write the model to this `file`")
	specPath := flags.String("spec", "", "what the tensors do not say: a YAML or JSON `file`")
	bind := map[string]string{}
	flags.Func("bind", "make an ONNX model's input a constant: `NAME=FILE`, once for each", func(s string) error {
		name, file, ok := strings.Cut(s, "=")
		if !ok || name == "" || file == "" {
			return errors.New("want NAME=FILE")
		}
		if bind[name] != "" {
			return fmt.Errorf("%s is bound already, to %s", name, bind[name])
		}
		bind[name] = file
		return nil
	})
	q := flags.String("q", "", "store the matrices in this `type`: int8")
	var keep []string
	flags.Func("keep", "with -q, leave the layer `NAME` float32, once for each", func(s string) error {
		keep = append(keep, s)
		return nil
	})
	inspect := flags.Bool("inspect", false, "print what the .rnn model SOURCE holds")
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	sources, err := parse(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case len(sources) != 1:
		fmt.Fprintf(stderr, "convert: %d sources, want 1; -h shows how\n", len(sources))
		return 2
	case *inspect && (*out != "" || *specPath != "" || len(bind) > 0 || *q != "" || len(keep) > 0):
		fmt.Fprintln(stderr, "convert: -inspect goes without -o, -spec, -bind, -q and -keep")
		return 2
	case *q != "" && *q != "int8":
		fmt.Fprintf(stderr, "convert: -q %s: want int8\n", *q)
		return 2
	case len(keep) > 0 && *q == "":
		fmt.Fprintln(stderr, "convert: -keep goes with -q: without it every layer is float32")
		return 2
	case !*inspect && *out == "":
		fmt.Fprintln(stderr, "convert: -o is missing: where to write the model; -h shows how")
		return 2
	}
	if *inspect {
		err = inspectModel(stdout, sources[0])
	} else {
		err = convert(stdout, sources[0], converter.Options{Spec: *specPath, Bind: bind, Int8: *q != "", Keep: keep}, *out)
	}
	if err != nil {
		fmt.Fprintln(stderr, "convert:", err)
		return 1
	}
	return 0
}

// parse takes flags before and after the other arguments.
func parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return rest, nil
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
}

func convert(w io.Writer, source string, options converter.Options, out string) error {
	r, err := options.Convert(source)
	if err != nil {
		return err
	}
	if err := format.WriteFile(out, r.Model); err != nil {
		return err
	}
	fmt.Fprintf(w, "source   %s\n", r.Source)
	if r.Spec != "" {
		fmt.Fprintf(w, "spec     %s\n", r.Spec)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note     %s\n", n)
	}
	fmt.Fprintln(w)
	if err := converter.Describe(w, r.Model); err != nil {
		return err
	}
	return wrote(w, out)
}

func wrote(w io.Writer, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nwrote    %s, %d bytes\n", path, info.Size())
	return err
}

func inspectModel(w io.Writer, path string) error {
	f, err := format.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Fprintf(w, "file     %s, %d bytes, version %d\n\n", path, f.Size, format.Version)
	return converter.Describe(w, f.Model)
}
