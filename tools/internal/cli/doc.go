// Package cli is what the commands have in common: how arguments are read.
package cli
