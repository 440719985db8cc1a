// The first and only process of the emulated machine: runs /test as /arguments and
// /environment say, prints how it ended, and waits to be switched off.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

func main() {
	for _, fs := range [][2]string{{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"tmpfs", "/tmp"}} {
		os.Mkdir(fs[1], 0o777)
		if err := syscall.Mount(fs[0], fs[1], fs[0], 0, ""); err != nil {
			fmt.Printf("mount %s: %v\n", fs[1], err)
		}
	}
	test := exec.Command("/test", lines("/arguments")...)
	test.Dir = "/package"
	test.Env = append(lines("/environment"), "HOME=/tmp")
	test.Stdout, test.Stderr = os.Stdout, os.Stdout
	if err := test.Run(); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("\nexit status: %d\n", test.ProcessState.ExitCode())
	time.Sleep(time.Hour)
}

func lines(name string) []string {
	text, err := os.ReadFile(name)
	if err != nil {
		fmt.Println(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}
