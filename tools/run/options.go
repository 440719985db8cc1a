package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/rnnedge/rnnedge/tools/internal/cli"
	"github.com/rnnedge/rnnedge/tools/internal/steps"
)

const help = `run feeds numbers to a .rnn model, one time step after the other, and gives
what the model answers to each.

usage: run [-isa name] [-o out.npy|out.csv] [-sha256] [-time-first] [-verify]
           MODEL [INPUT]

INPUT is one of

  x.npy       float or integer array, I being the width of the model's input:
                [T, I]     T steps
                [N, T, I]  N independent streams, each from the initial state
                [T]        T steps if I is 1; of tokens too
  x.npz       the same, from an archive of one array
  x.npz:key   the same, the array of that name
  x.csv       one step a line: I numbers with commas or blanks between them. Empty
              lines and what follows a # are ignored, and so is a first line
              without any number: a header
  -           such lines from standard input. Each is answered at once, before
              the next is read: a live stream

A model with a layer that runs backward in time needs the whole of each stream
before it can answer; then nothing is answered before INPUT ends.

Without -o the answers go to standard output, one step a line, with commas
between the numbers and a blank line between streams. A number is written with
as many digits as its float32 needs to be read back exactly.

flags, before or after MODEL and INPUT:

  -o FILE     write the answers to FILE, whole or not at all: as an array
              [T, O], or [N, T, O], if it ends in .npy, as text if in .csv
  -sha256     print one line instead of the numbers: the SHA-256 of the answers
              (float32, little-endian: the data of the .npy), the number of steps
              and the kernels. The same on every machine
  -time-first an array of three dimensions is [T, N, I], as PyTorch has it without
              batch_first; the answers are [T, N, O] then
  -isa NAME   compute with these kernels (generic, avx2, neon, …) instead of the
              best that this CPU has; RNNEDGE_ISA does the same
  -verify     check that this machine computes, bit for bit, what the model's
              witness says; INPUT may then be left out
  -h          print this

examples:

  run vad.rnn frames.csv
  run -o y.npy vad.rnn x.npz:features
  run -sha256 vad.rnn x.npy
  run -verify vad.rnn
  sensor | run anomaly.rnn - | alarm

Exit status: 0 done, 1 failure (also if the witness differs), 2 wrong usage.
`

// options is what the command line says.
type options struct {
	isa       string
	out       string
	sha256    bool
	timeFirst bool
	verify    bool
	file      string // the model's
	input     string // "" for none
}

// parse reads the command line. flag.ErrHelp says that help was asked for.
func parse(args []string) (o options, err error) {
	fs := flag.NewFlagSet("run", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.isa, "isa", "", "")
	fs.StringVar(&o.out, "o", "", "")
	fs.BoolVar(&o.sha256, "sha256", false, "")
	fs.BoolVar(&o.timeFirst, "time-first", false, "")
	fs.BoolVar(&o.verify, "verify", false, "")

	names, err := cli.Parse(fs, args)
	if err != nil {
		return o, err
	}
	switch {
	case len(names) == 0:
		return o, errors.New("no MODEL given")
	case len(names) == 1 && !o.verify:
		return o, errors.New("no INPUT given, want a .npy, .npz or .csv file, or - for standard input")
	case len(names) > 2:
		return o, fmt.Errorf("%q follows MODEL and INPUT, want nothing more", names[2])
	}
	o.file = names[0]
	if len(names) == 2 {
		o.input = names[1]
		if inputKind(o.input) == 0 {
			return o, fmt.Errorf("INPUT %q has no form that is read, want .npy, .npz, .npz:name, .csv or -", o.input)
		}
	}
	if k := inputKind(o.input); o.timeFirst && k != kindNPY && k != kindNPZ {
		return o, errors.New("-time-first is about arrays, want a .npy or .npz file as INPUT")
	}
	if o.out != "" {
		if e := steps.Extension(o.out); e != ".npy" && e != ".csv" {
			return o, fmt.Errorf("-o %q has no form that is written, want .npy or .csv", o.out)
		}
		if o.input == "" {
			return o, errors.New("-o without INPUT, there is nothing to write")
		}
	}
	return o, nil
}

// kind is a form of input.
type kind uint8

const (
	kindNPY kind = iota + 1
	kindNPZ
	kindCSV
	kindStdin
)

// inputKind returns the form that a name promises, 0 for none.
func inputKind(name string) kind {
	path, _ := steps.SplitNPZ(name)
	switch steps.Extension(path) {
	case ".npy":
		return kindNPY
	case ".npz":
		return kindNPZ
	case ".csv":
		return kindCSV
	}
	if name == "-" {
		return kindStdin
	}
	return 0
}
