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
	"github.com/rnnedge/rnnedge/tools/convert/internal/emit"
	"github.com/rnnedge/rnnedge/tools/convert/internal/proof"
)

const usage = `convert makes a .rnn model from weights trained elsewhere.

  convert -o model.rnn [-spec spec.yaml] [-bind NAME=FILE ...] [-state NAME ...]
          [-q int8 [-vectors 16] [-keep NAME ...] [-calibrate DATA]] [-steps N]
          [-input x.npy] [-check x.npy=y.npy ...] [-report out.html] [-emit-go DIR] SOURCE
  convert -inspect model.rnn

for example

  convert -o vad.rnn vad.onnx
  convert -o vad.rnn -bind sr=rate.npy vad.onnx
  convert -o char.rnn -spec char.yaml -q int8 -keep head char.pt
  convert -o char.rnn -check x.npy=y.npy char.pt
  convert -inspect char.rnn

SOURCE is a PyTorch state_dict (.pt, .pth, .bin, .tar, in either of its file formats, in
float32, float16 or bfloat16, alone or in a dict beside other things), a whole module
that torch.save wrote, TorchScript, a .safetensors file (a config.json beside it, or beside
a .bin, is asked for what tensors do not tell), NumPy arrays (.npz, or a folder
of .npy), an ONNX model with RNN, LSTM and GRU nodes or such cells in loops or written out
for one step or all, a Keras model (.h5 from Keras 1 to 3, .keras, .weights.h5), a TensorFlow
Lite model with RNN and LSTM operators or such cells written out or in loops, or what
audio plug-ins load: JSON of RTNeural (also of a state_dict), AIDA-X or GuitarML, .nam
with an LSTM, and RNNoise's .rnnn.
It is recognised by its content. Nothing in it is executed.

An ONNX model converts as it is, for one step of one stream: an initial state that
is an input becomes the state of a session. One with a reverse or bidirectional
node needs whole sequences. A model that ONNX Runtime quantised becomes the float
model with its weights, and with the limits of its activations. What PyTorch writes beside
it, model.onnx.data, is read from there. What would make the result another one is refused.

TorchScript (torch.jit.save) converts as it is, too, if its program is a chain or graph of
layers, scripted or traced: what it takes for time or for a state, notes say. All its
recurrent layers must run along one dimension; a state that is an argument of forward must
come back among its outputs, in the same order. Of a program that is more than that, a part
converts with a spec, as from a state_dict.

A Keras model converts as it is, too. Weights alone need the JSON of model.to_json(),
beside SOURCE with the ending .json, or a spec as below. A configuration that is given
with -spec counts in the place of the file's own: cut down to the layers between a
convolution or a Lambda layer in front and another behind, it converts that part.
A layer without return_sequences gives the output of every step; Keras has the last one.
Conv1D streams where its padding is causal or its kernel one step.
The inputs of a model with several are one vector, in their order, and so are the outputs.

-bind makes an input of an ONNX model a constant, from a TensorProto (.pb) or an
array (.npy) of the input's type and shape. It is for weights that are inputs, for
an initial state, and for what a model decides by, as a sample rate:

  -bind W=w.npy -bind R=r.npy
  -bind h0=h0.npy             # [directions, 1, units], for one stream
  -bind sr=rate.npy           # numpy.save("rate.npy", numpy.int64(16000))

-state names the inputs of an ONNX or TensorFlow Lite model of one step that are states,
all of them, where the input has the shape of a state and the cell reads both alike:

  -state h0 -state c0

A state_dict holds tensors, not the order of the layers or their activations; nor does a
module. That of an nn.LSTM or nn.GRU alone converts as it is. Any other needs a
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
name; the model's input is called input), scale: p (x times p.weight, over p.divisor,
plus p.bias: of those that are there), layernorm: p and batchnorm: p (with epsilon: 1e-5
if neither the spec nor a pickled module says it). dense: p may be an nn.Conv1d over one
step. A layer reads the one before it unless it says from: NAME; output: NAME picks another
output than the last layer; ignore: lists prefixes of tensors to leave out.

Tensors with names of their own are named beside the layer, by what they are to it, and
arrays of Keras (kernel, recurrent_kernel, bias, gamma …) are said to be that:

  layout: keras             # for all layers; pytorch if it is not said
  layers:
    - gru: enc              # reset_after shows in the shape of the bias
      tensors: {kernel: arr_0, recurrent_kernel: arr_1, bias: arr_2}

A layer that runs both ways, and a projection (proj_size), show in the tensors.
merge: concat, sum, mul or average says how the two ways are joined (concat if it is
not said); direction: reverse makes a layer for one way run from the end to the
start. A model with a layer that runs backward needs whole sequences.

Functions without parameters: linear, sigmoid, tanh, relu, softsign, softplus. With
them, as in activation: {elu: 1} or apply: {clip: [0, 6]}: leaky relu, elu and
thresholded relu (α); hard sigmoid, min(max(αx+β, 0), 1), scaled tanh, α·tanh(βx),
affine, αx+β, and clip, from α to β.

-q int8 stores the matrices as int8, a scale for each row: a quarter of the size, and
about three times as fast where the weights are what takes time. The cell states,
everything between the matrices, and matrices of fewer than 2048 elements stay float32.
-vectors 16 gives the vectors that they multiply 16 bits in place of 8: 1 to 11 dB less noise,
for up to twice the time of int8; from 64 units on that is still less than float32's (AVX2).
-keep NAME leaves a layer as it is; the names are those that convert prints.

Each weight is rounded so that products come out near, not always to the nearest: for random
input, or better for data like that which the model will see. -calibrate DATA names it, a .npy,
.npz, .csv or .wav file of steps or a folder of such files; some thousand steps do. On
the models that were tried it leaves up to 5 dB less noise than random input, and 0 to 6 dB
less than the nearest.

Every conversion ends with a proof: the model runs beside a second implementation, in
float64, for -steps N steps (1000; fewer where a step is much work; 0: no proof) of a
random input, or of -input x.npy, of shape (T, inputs), or of the x of the first -check.
Printed are, for float32 and
with -q for int8, the signal-to-noise ratio of the output, the largest error and its
step, whether the error grows with time, how often another class wins, and the layer
that loses most.

-check x.npy=y.npy compares with outputs of the system that the model comes from: x of
shape (T, inputs), y of (T, outputs), or (outputs,) for the last step; with (1, T, …) and
(T, 1, …) as well. If |y−want|/max(1, |want|) exceeds -tolerance, nothing is written
and the exit status is 1. Int8 is judged only with -tolerance-int8.

-report out.html draws all of it on one page: the layers, the errors over time, layer by
layer, the weights of each gate, the sizes. It is written after a failed check, too.

-emit-go folder writes a Go package with the model inside, typed sizes, and New and Step;
what it did not write there, it does not overwrite.

The model gets a witness, the digest of what it computes: run -verify model.rnn
checks it on any machine.

`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("convert", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("o", "", "write the model to this `file`")
	specPath := flags.String("spec", "", "what the tensors do not say, or the configuration of a Keras model: a YAML or JSON `file`")
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
	var states []string
	flags.Func("state", "the input `NAME` of a model of one step is a state, once for each, where shapes do not tell", func(s string) error {
		states = append(states, s)
		return nil
	})
	q := flags.String("q", "", "store the matrices in this `type`: int8")
	vectors := flags.Int("vectors", 8, "with -q, multiply vectors of so many `bits`: 8 or 16")
	var keep []string
	flags.Func("keep", "with -q, leave the layer `NAME` float32, once for each", func(s string) error {
		keep = append(keep, s)
		return nil
	})
	calibrate := flags.String("calibrate", "", "with -q, round the weights for this `data`")
	p := proving{}
	flags.IntVar(&p.steps, "steps", proof.DefaultSteps, "compare the model with float64 for `N` steps; 0: not at all")
	flags.StringVar(&p.input, "input", "", "what it is run on for that, a .npy `file`, in place of the first -check's or random numbers")
	flags.Func("check", "compare with another system: `X.npy=Y.npy`, inputs and outputs, once for each", p.addCheck)
	flags.Float64Var(&p.tolerance.Float32, "tolerance", proof.DefaultTolerance, "with -check, the largest `error` in float32")
	flags.Float64Var(&p.tolerance.Int8, "tolerance-int8", 0, "with -check and -q, the largest `error` in int8; 0: any")
	flags.StringVar(&p.report, "report", "", "write what was found as an HTML page to this `file`")
	flags.StringVar(&p.emit, "emit-go", "", "write a Go package with the model inside to this `folder`")
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
	case *inspect && (p.input != "" || len(p.checks) > 0 || p.report != "" || p.emit != ""):
		fmt.Fprintln(stderr, "convert: -inspect goes without -input, -check, -report and -emit-go")
		return 2
	case p.steps < 0 || p.steps > maxSteps:
		fmt.Fprintf(stderr, "convert: -steps %d: want 0 to %d\n", p.steps, maxSteps)
		return 2
	case p.steps == 0 && p.input != "":
		fmt.Fprintln(stderr, "convert: -input goes without -steps 0: it is what the proof runs on")
		return 2
	case !(p.tolerance.Float32 > 0) || !(p.tolerance.Int8 >= 0):
		fmt.Fprintln(stderr, "convert: -tolerance wants a number above 0, -tolerance-int8 one not below")
		return 2
	case p.tolerance.Int8 > 0 && (*q == "" || len(p.checks) == 0):
		fmt.Fprintln(stderr, "convert: -tolerance-int8 goes with -q int8 and -check")
		return 2
	case *inspect && (*out != "" || *specPath != "" || len(bind) > 0 || len(states) > 0 || *q != "" || *vectors != 8 || len(keep) > 0 || *calibrate != ""):
		fmt.Fprintln(stderr, "convert: -inspect goes without -o, -spec, -bind, -state, -q, -vectors, -keep and -calibrate")
		return 2
	case *q != "" && *q != "int8":
		fmt.Fprintf(stderr, "convert: -q %s: want int8\n", *q)
		return 2
	case *vectors != 8 && *vectors != 16:
		fmt.Fprintf(stderr, "convert: -vectors %d: want 8 or 16\n", *vectors)
		return 2
	case (len(keep) > 0 || *vectors != 8 || *calibrate != "") && *q == "":
		fmt.Fprintln(stderr, "convert: -vectors, -keep and -calibrate go with -q: without it every layer is float32")
		return 2
	case !*inspect && *out == "":
		fmt.Fprintln(stderr, "convert: -o is missing: where to write the model; -h shows how")
		return 2
	}
	if *inspect {
		err = inspectModel(stdout, sources[0])
	} else {
		err = convert(stdout, sources[0], converter.Options{
			Spec: *specPath, Bind: bind, States: states, Int8: *q != "", Vectors: *vectors, Keep: keep, Calibrate: *calibrate, Progress: newBar(stderr),
		}, &p, *out)
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

func convert(w io.Writer, source string, options converter.Options, p *proving, out string) error {
	if err := p.overwrites(source, out, options); err != nil {
		return err
	}
	if p.emit != "" {
		if err := emit.Check(p.emit); err != nil {
			return err
		}
	}
	r, err := options.Convert(source)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "source   %s\n", r.Source)
	if r.Spec != "" {
		fmt.Fprintf(w, "spec     %s\n", r.Spec)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note     %s\n", n)
	}
	if r.Spec != "" && len(p.checks) == 0 { // a draft that was not corrected looks like this, too
		fmt.Fprintf(w, "note     the layers are what %s says; -check holds them against the outputs of the source\n", r.Spec)
	}
	fmt.Fprintln(w)
	if err := converter.Describe(w, r.Model); err != nil {
		return err
	}
	if err := p.prove(w, r, source, out); err != nil {
		return err
	}
	if p.emit != "" { // first, as out may be the model in its folder
		if err := emit.Write(p.emit, r.Model); err != nil {
			return err
		}
		fmt.Fprintf(w, "\npackage  %s\n", p.emit)
	}
	if err := format.WriteFile(out, r.Model); err != nil {
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
