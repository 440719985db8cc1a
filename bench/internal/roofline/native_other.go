//go:build purego || !(amd64 || arm64)

package roofline

func native() []Reader { return nil }
