// Package cli is what the commands have in common: how arguments are read, and whether
// somebody is watching.
package cli
