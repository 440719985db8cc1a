package main

const help = `convert makes a .rnn model from weights trained elsewhere.

usage: convert -o model.rnn [flags] SOURCE
       convert -inspect model.rnn

examples:

  convert -o vad.rnn vad.onnx
  convert -o vad.rnn -bind sr=rate.npy vad.onnx
  convert -o char.rnn char.pt                # prints a draft of char.yaml, see below
  convert -o char.rnn -spec char.yaml -q int8 -keep head char.pt
  convert -o char.rnn -check x.npy=y.npy char.pt
  convert -inspect char.rnn

SOURCE is one of the following. It is recognised by its content; nothing in it is
executed, and what cannot be converted as it is, is refused by name.

  PyTorch   a state_dict (.pt, .pth, .bin, .tar, in either of PyTorch's file formats, in
            float32, float16 or bfloat16, alone or in a dict beside other things), a
            whole module that torch.save wrote, TorchScript; weight_norm is computed
  tensors   .safetensors; NumPy arrays, .npz or a folder of .npy. A config.json beside
            .safetensors or .bin is asked for what tensors do not tell
  ONNX      a model with RNN, LSTM and GRU nodes, or with such cells in loops or written
            out for one step or for all
  Keras     .h5 from Keras 1 to 3, .keras, .weights.h5
  TFLite    a model with RNN and LSTM operators, or with such cells written out or in loops
  audio     what plug-ins load: JSON of RTNeural (also of a state_dict), AIDA-X or
            GuitarML, .nam with an LSTM, RNNoise's .rnnn

flags, before or after SOURCE:

`

const topics = `
A STATE_DICT AND ITS SPEC

A state_dict holds tensors, not the order of the layers or their activations; nor does a
module, or a folder of arrays. That of an nn.LSTM or nn.GRU alone converts as it is. Any
other needs a spec, in YAML or JSON, given with -spec or lying beside SOURCE with the
ending .yaml; without one, the error prints a spec to start from. For example:

  layers:
    - embedding: embed      # embed.weight; the value is the tensors' prefix
    - lstm: rnn             # rnn.weight_ih_l0 …: every stacked layer; or gru
    - dense: head           # head.weight, head.bias
      activation: sigmoid   # a function, see below
  meta:
    labels: speech

The layers:

  embedding: p, lstm: p, gru: p
  rnn: p                    with activation: tanh or relu
  dense: p                  p may be an nn.Conv1d over one step
  apply: tanh               a function alone
  softmax:, log_softmax:
  layernorm: p, batchnorm: p
                            with epsilon: 1e-5 if neither the spec nor a pickled module
                            says it
  scale: p                  x times p.weight, over p.divisor, plus p.bias: of those that
                            are there
  add: [a, b], mul: [a, b], concat: [a, b, …]
                            of layers by name; the model's input is called input

A layer reads the one before it unless it says from: NAME. output: NAME picks another
output than the last layer; ignore: lists prefixes of tensors to leave out.

A layer that runs both ways, and a projection (proj_size), show in the tensors.
merge: concat, sum, mul or average says how the two ways are joined (concat if it is
not said); direction: reverse makes a layer for one way run from the end to the
start. A model with a layer that runs backward needs whole sequences.

Functions without parameters: linear, sigmoid, tanh, relu, softsign, softplus. With
them, as in activation: {elu: 1} or apply: {clip: [0, 6]}: leaky relu, elu and
thresholded relu (α); hard sigmoid, min(max(αx+β, 0), 1), scaled tanh, α·tanh(βx),
affine, αx+β, and clip, from α to β.

Tensors with names of their own are named beside the layer, by what they are to it, and
arrays of Keras (kernel, recurrent_kernel, bias, gamma …) are said to be that:

  layout: keras             # for all layers; pytorch if it is not said
  layers:
    - gru: enc              # reset_after shows in the shape of the bias
      tensors: {kernel: arr_0, recurrent_kernel: arr_1, bias: arr_2}

TORCHSCRIPT

What torch.jit.save wrote converts as it is if its program is a chain or graph of layers,
scripted or traced: what it takes for time or for a state, notes say. All its recurrent
layers must run along one dimension; a state that is an argument of forward must come
back among its outputs, in the same order. Of a program that is more than that, a part
converts with a spec, as from a state_dict.

ONNX AND TENSORFLOW LITE

A model converts as it is, for one step of one stream: an initial state that is an input
becomes the state of a session. One with a reverse or bidirectional node needs whole
sequences. A model that ONNX Runtime quantised becomes the float model with its weights,
and with the limits of its activations. What PyTorch writes beside model.onnx,
model.onnx.data, is read from there.

-bind makes an input of an ONNX model a constant, from a TensorProto (.pb) or an
array (.npy) of the input's type and shape. It is for weights that are inputs, for
an initial state, and for what a model decides by, as a sample rate:

  -bind W=w.npy -bind R=r.npy
  -bind h0=h0.npy             # [directions, 1, units], for one stream
  -bind sr=rate.npy           # numpy.save("rate.npy", numpy.int64(16000))

-state names the inputs of a model of one step that are states, all of them, where the
input has the shape of a state and the cell reads both alike:

  -state h0 -state c0

KERAS

A model converts as it is. Weights alone need the JSON of model.to_json(), beside SOURCE
with the ending .json, or a spec as above. A configuration that is given with -spec counts
in the place of the file's own: cut down to the layers between a convolution or a Lambda
layer in front and another behind, it converts that part.

A layer without return_sequences gives the output of every step; Keras has the last one.
Conv1D streams where its padding is causal or its kernel one step. The inputs of a model
with several are one vector, in their order, and so are the outputs.

INT8

-q int8 stores the matrices as int8, a scale for each row: a quarter of the size, and
about three times as fast where the weights are what takes time. The cell states,
everything between the matrices, and matrices of fewer than 2048 elements stay float32.
-vectors 16 gives the vectors that they multiply 16 bits in place of 8: 1 to 11 dB less
noise, for up to twice the time; from 64 units on still less than float32's (AVX2).
-keep NAME leaves a layer as it is; the names are those that convert prints.

Each weight is rounded so that products come out near, not always to the nearest: for
random input, or better for data like that which the model will see. -calibrate DATA
names it, a .npy, .npz, .csv or .wav file of steps or a folder of such files; some
thousand steps do. On the models that were tried it leaves up to 5 dB less noise than
random input, and up to 6 dB less than the nearest.

THE PROOF

Every conversion ends with a proof: the model runs beside a second implementation, in
float64, for -steps N steps (fewer where a step is much work) of a random input, or of
-input x.npy, of shape (T, inputs), or of the x of the first -check. Printed are, for
float32 and with -q for int8, the signal-to-noise ratio of the output, the largest error
and its step, whether the error grows with time, how often another class wins, and the
layer that loses most.

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

Exit status: 0 done, 1 failure (also if a check fails), 2 wrong usage.
`
