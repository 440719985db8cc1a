// Mca estimates what the inner loops of the kernels take on CPUs that are not at hand: it
// disassembles package asm, finds the loops, and lets llvm-mca schedule them. Where memory
// is faster than the loop, this is what a product costs; it is a model of a CPU, not one.
//
//	go run ./bench/mca -goarch arm64 -cpu cortex-a53,cortex-a72,cortex-a76
//	go run ./bench/mca -kernel lstmF32NEON,gruF32NEON
//
// It needs binutils for the architecture and llvm-mca.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// An architecture says how to take its code apart and what counts in it.
type architecture struct {
	objdump, triple string
	kernels         string
	load, multiply  *regexp.Regexp
}

var architectures = map[string]architecture{
	"arm64": {
		"aarch64-linux-gnu-objdump", "aarch64",
		"matVecF32AtNEON,matMulF32NEON,matVecI8AtNEON,matVecI8AtDotProd,matMulI8DotProd," +
			"lstmF32AtNEON,lstmPeepholeF32NEON,lstmCoupledF32NEON,lstmCoupledPeepholeF32NEON,gruF32AtNEON,gruResetF32NEON,gruBeforeF32NEON,rnnTanhF32NEON,sigmoidF32NEON,tanhF32NEON",
		regexp.MustCompile(`^ld(r|p|ur|2|2r)\b`), regexp.MustCompile(`^(fmla|sdot|smlal2?|smull2?|sadalp)\b`),
	},
	"amd64": {
		"x86_64-linux-gnu-objdump", "x86_64",
		"matVecF32AtAVX2,matVecF32AtAVX512,matMulF32AVX2,matMulF32AVX512,matVecI8AtAVX2,matVecI8AtAVXVNNI,matVecI8AtAVX512,matVecI8AtAVX512VNNI,matMul48I8AVXVNNI,matMul48I8AVX512VNNI",
		regexp.MustCompile(`^(v?p?broadcast|vmov|vfmadd|vpxor).*\(`), regexp.MustCompile(`^(vfmadd|(\{vex\} )?vpdpbusd|vpmaddubsw)`),
	},
}

// An instruction of a function; to is where it jumps, 0 for none.
type instruction struct {
	at, to int
	text   string
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "mca:", err)
		os.Exit(1)
	}
}

func run() error {
	goarch := flag.String("goarch", "arm64", "`architecture`: arm64 or amd64")
	cpus := flag.String("cpu", "cortex-a53,cortex-a55,cortex-a72,cortex-a76,neoverse-n1", "`CPUs` as llvm-mca -mcpu names them")
	mca := flag.String("mca", "llvm-mca", "the llvm-mca `command`")
	kernels := flag.String("kernel", "", "`kernels`, functions of package asm (default products and, on arm64, updates)")
	flag.Parse()
	arch, ok := architectures[*goarch]
	if !ok {
		return fmt.Errorf("no architecture %q; there are arm64 and amd64", *goarch)
	}
	dir, err := os.MkdirTemp("", "mca")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "asm.test")
	build := exec.Command("go", "test", "-c", "-o", binary, "github.com/rnnedge/rnnedge/asm")
	build.Env = append(os.Environ(), "GOARCH="+*goarch, "GOOS=linux", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	fmt.Println("| kernel | instructions a turn | loads | products |", strings.Join(strings.Split(*cpus, ","), " | "), "|")
	fmt.Println("|---|--:|--:|--:|" + strings.Repeat("--:|", strings.Count(*cpus, ",")+1))
	if *kernels == "" {
		*kernels = arch.kernels
	}
	for _, kernel := range strings.Split(*kernels, ",") {
		code, err := arch.disassemble(binary, kernel)
		if err != nil {
			return err
		}
		for _, loop := range loops(code) {
			loads, products := 0, 0
			for _, i := range loop {
				if arch.load.MatchString(i.text) {
					loads++
				}
				if arch.multiply.MatchString(i.text) {
					products++
				}
			}
			if products < 4 {
				continue // it prepares something
			}
			fmt.Printf("| %s | %d | %d | %d |", kernel, len(loop), loads, products)
			for _, cpu := range strings.Split(*cpus, ",") {
				cycles, err := arch.cycles(*mca, cpu, loop)
				switch {
				case errors.Is(err, errLacks):
					fmt.Print(" – |")
				case err != nil:
					return err
				default:
					fmt.Printf(" %.1f |", cycles)
				}
			}
			fmt.Println()
		}
	}
	return nil
}

// disassemble returns the code of one function of package asm.
func (a architecture) disassemble(binary, kernel string) (code []instruction, err error) {
	out, err := exec.Command(a.objdump, "-d", "--no-show-raw-insn", "--disassemble=github.com/rnnedge/rnnedge/asm."+kernel+".abi0", binary).Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.objdump, err)
	}
	line := regexp.MustCompile(`^\s*([0-9a-f]+):\s+(.*?)\s*(?://.*)?$`)
	jump := regexp.MustCompile(`^(?:b\.?\w*|cbn?z|tbn?z|j\w+)\s.*?([0-9a-f]+) <`)
	for _, l := range strings.Split(string(out), "\n") {
		m := line.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		at, err := strconv.ParseInt(m[1], 16, 64)
		if err != nil {
			return nil, err
		}
		i := instruction{at: int(at), text: m[2]}
		if j := jump.FindStringSubmatch(m[2]); j != nil {
			to, err := strconv.ParseInt(j[1], 16, 64)
			if err != nil {
				return nil, err
			}
			i.to = int(to)
		}
		code = append(code, i)
	}
	if len(code) == 0 {
		return nil, fmt.Errorf("no function %s", kernel)
	}
	return code, nil
}

// loops are the stretches from where a jump back goes to the jump. Jumps between that leave
// the stretch are left out of it; with others it is more than a loop.
func loops(code []instruction) (found [][]instruction) {
	for last, end := range code {
		if end.to == 0 || end.to >= end.at {
			continue
		}
		var body []instruction
		simple := true
		for _, i := range code[:last] {
			if i.at < end.to || i.to > end.at {
				continue
			}
			simple = simple && i.to == 0
			body = append(body, i)
		}
		if simple {
			found = append(found, body)
		}
	}
	return found
}

var errLacks = errors.New("the CPU lacks an instruction")

// cycles is what one turn of a loop takes when many follow each other.
func (a architecture) cycles(mca, cpu string, loop []instruction) (float64, error) {
	const turns = 200
	var source bytes.Buffer
	for _, i := range loop {
		fmt.Fprintln(&source, i.text)
	}
	c := exec.Command(mca, "-mtriple="+a.triple, "-mcpu="+cpu, "-iterations="+strconv.Itoa(turns))
	c.Stdin = &source
	var complaint strings.Builder
	c.Stderr = &complaint
	out, err := c.Output()
	if lacks := complaint.String(); strings.Contains(lacks, "requires") || strings.Contains(lacks, "unsupported") {
		return 0, errLacks
	}
	if err != nil {
		return 0, fmt.Errorf("%s -mcpu=%s: %w: %s", mca, cpu, err, complaint.String())
	}
	m := regexp.MustCompile(`Total Cycles:\s+(\d+)`).FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("%s -mcpu=%s says no cycles", mca, cpu)
	}
	total, err := strconv.Atoi(string(m[1]))
	return float64(total) / turns, err
}
