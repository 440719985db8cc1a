package asm

import (
	"encoding/binary"
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An encoding is a macro over WORD, on arm64, or over BYTE, on amd64, with the instruction
// that it stands for:
//
//	// fadd v<d>.4s, v<n>.4s, v<m>.4s
//	#define FADD4S(m, n, d) WORD $(0x4e20d400 | (m)<<16 | (n)<<5 | (d))
type encoding struct {
	name     string
	params   []string
	exprs    []string // the words or bytes, in Go syntax
	size     int      // of each, in bytes
	mnemonic string   // <param> where an operand goes
}

// encodingHeaders are the headers of such macros, and what their instructions
// may use: an assembler told so refuses the rest.
var encodingHeaders = []struct {
	file      string
	flags     []string // for the assembler
	assembler string   // names of binutils start so
	debian    string   // package
}{
	{"neon_arm64.h", []string{"-march=armv8-a"}, "aarch64-linux-gnu-", "binutils-aarch64-linux-gnu"},
	{"dotprod_arm64.h", []string{"-march=armv8.2-a+dotprod"}, "aarch64-linux-gnu-", "binutils-aarch64-linux-gnu"},
	{"vnni_amd64.h", []string{"-march=generic64+avx2+avx_vnni", "-msyntax=intel", "-mnaked-reg"}, "x86_64-linux-gnu-", "binutils-x86-64-linux-gnu"},
}

// operandValues are what a parameter of a macro may be, by its name; any other
// is a register.
var operandValues = map[string][]int{
	"lane":  {0, 1, 2, 3},
	"shift": {0, 1, 8, 23, 31},
	"bytes": {0, 4, 8, 15},
}

var registers = map[int][]int{ // by the size of an instruction's parts: arm64, amd64
	4: {0, 1, 2, 5, 10, 15, 16, 21, 31},
	1: {0, 1, 2, 5, 7, 8, 10, 14, 15},
}

func readEncodings(t *testing.T, file string) (encodings []encoding) {
	define := regexp.MustCompile(`^#define (\w+)\(([^)]*)\) ((?:WORD|BYTE) \$.*)$`)
	operand := regexp.MustCompile(`<(\w+)>`)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "#define") {
			continue
		}
		m := define.FindStringSubmatch(line)
		require.NotNil(t, m, "%s:%d: not a macro of one WORD or of BYTEs: %s", file, i+1, line)
		e := encoding{name: m[1], params: strings.Split(m[2], ", "), size: 4}
		part := "WORD $"
		if strings.HasPrefix(m[3], "BYTE") {
			e.size, part = 1, "BYTE $"
		}
		for _, expr := range strings.Split(m[3], "; ") {
			expr, ok := strings.CutPrefix(expr, part)
			require.True(t, ok, "%s:%d: %s", file, i+1, line)
			e.exprs = append(e.exprs, expr)
		}
		e.mnemonic, _ = strings.CutPrefix(lines[i-1], "// ")
		var named []string
		for _, o := range operand.FindAllStringSubmatch(e.mnemonic, -1) {
			named = append(named, o[1])
		}
		require.Subset(t, named, e.params, "%s:%d: no instruction with these operands above %s", file, i+1, e.name)
		encodings = append(encodings, e)
	}
	require.NotEmpty(t, encodings, file)
	return encodings
}

// code is what the macro assembles to. The expressions of Go's assembler have
// the precedence of Go, so go/types computes them.
func (e encoding) code(args map[string]int) (code []byte, err error) {
	for _, expr := range e.exprs {
		expr = regexp.MustCompile(`\b[a-z]\w*\b`).ReplaceAllStringFunc(expr, func(name string) string {
			if v, ok := args[name]; ok {
				return fmt.Sprint(v)
			}
			return name
		})
		v, err := types.Eval(token.NewFileSet(), nil, token.NoPos, expr)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", e.name, expr, err)
		}
		n, ok := constant.Uint64Val(v.Value)
		if !ok || n>>(8*e.size) != 0 {
			return nil, fmt.Errorf("%s: %s is %s, not of %d bytes", e.name, expr, v.Value, e.size)
		}
		code = append(code, binary.LittleEndian.AppendUint64(nil, n)[:e.size]...)
	}
	return code, nil
}

func (e encoding) instruction(args map[string]int) string {
	s := e.mnemonic
	for name, v := range args {
		s = strings.ReplaceAll(s, "<"+name+">", fmt.Sprint(v))
	}
	return s
}

// arguments returns sets of arguments in which every parameter takes each of its
// values, beside different values of the others.
func (e encoding) arguments() (sets []map[string]int) {
	registers := registers[e.size]
	for i := range 4 * len(registers) {
		args := map[string]int{}
		for j, p := range e.params {
			values := operandValues[p]
			if values == nil {
				values = registers
			}
			args[p] = values[(i*(j+1)+i/len(registers))%len(values)]
		}
		sets = append(sets, args)
	}
	return sets
}

// TestEncodings has a real assembler confirm the macros. Without one it is skipped, or
// fails where RNNEDGE_REQUIRE_AS is 1.
func TestEncodings(t *testing.T) {
	for _, header := range encodingHeaders {
		t.Run(header.file, func(t *testing.T) {
			assembler, objcopy := header.assembler+"as", header.assembler+"objcopy"
			for _, tool := range []string{assembler, objcopy} {
				if _, err := exec.LookPath(tool); err != nil {
					if os.Getenv("RNNEDGE_REQUIRE_AS") == "1" {
						t.Fatalf("RNNEDGE_REQUIRE_AS: %v", err)
					}
					t.Skipf("no %s (package %s)", tool, header.debian)
				}
			}
			var want, source []string
			for _, e := range readEncodings(t, header.file) {
				for _, args := range e.arguments() {
					code, err := e.code(args)
					require.NoError(t, err)
					want = append(want, fmt.Sprintf("%x", code))
					source = append(source, e.instruction(args))
				}
			}
			base := filepath.Join(t.TempDir(), "encodings")
			require.NoError(t, os.WriteFile(base+".s", []byte(strings.Join(source, "\n")+"\n"), 0o600))
			for _, command := range [][]string{
				append([]string{assembler, "-o", base + ".o", base + ".s"}, header.flags...),
				{objcopy, "-O", "binary", "-j", ".text", base + ".o", base + ".bin"},
			} {
				out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
				require.NoError(t, err, "%s", out)
			}
			code, err := os.ReadFile(base + ".bin")
			require.NoError(t, err)
			for i, w := range want {
				size := len(w) / 2
				require.GreaterOrEqual(t, len(code), size)
				assert.Equal(t, fmt.Sprintf("%x", code[:size]), w, source[i])
				code = code[size:]
			}
			assert.Empty(t, code)
			t.Logf("%d instructions", len(want))
		})
	}
}

// TestEncodingsStandInHeaders: assembly has its raw words and bytes in the headers
// that TestEncodings reads, nowhere else.
func TestEncodingsStandInHeaders(t *testing.T) {
	checked := map[string]bool{}
	for _, header := range encodingHeaders {
		checked[header.file] = true
	}
	raw := regexp.MustCompile(`^[^/]*\b(WORD|BYTE) \$`)
	for _, pattern := range []string{"*_arm64.s", "*_arm64.h", "*_amd64.s", "*_amd64.h"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for i, line := range strings.Split(string(text), "\n") {
				if !checked[file] && raw.MatchString(line) {
					t.Errorf("%s:%d: %s", file, i+1, line)
				}
			}
		}
	}
}
