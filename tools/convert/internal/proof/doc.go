// Package proof measures what a conversion is worth. [Measure] runs a converted model in
// the engine and in float64, by a second implementation from the published equations,
// and says how far they are from each other: over time, layer by layer, in float32 and
// in int8. [Compare] holds the engine against outputs of the system that the model came
// from.
package proof
