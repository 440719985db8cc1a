module github.com/rnnedge/rnnedge/bench/peers

go 1.26.0

replace github.com/rnnedge/rnnedge => ../..

require (
	github.com/klauspost/cpuid/v2 v2.4.2
	github.com/rnnedge/rnnedge v0.0.0-00010101000000-000000000000
	github.com/yalue/onnxruntime_go v1.27.0
	google.golang.org/protobuf v1.36.12
)

require golang.org/x/sys v0.49.0 // indirect
