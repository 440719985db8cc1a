package safetensors_test

// silero is what is in silero_vad_16k.safetensors: the start of the SHA-256 of
// each tensor's bytes, taken without this package.
var silero = []struct {
	name   string
	shape  []int
	digest string
}{
	{"stft_conv.weight", []int{258, 1, 256}, "3b69ddad309d3424"},
	{"conv1.weight", []int{128, 129, 3}, "b855bc1ddb85994c"},
	{"conv1.bias", []int{128}, "c728b2679c0d1cee"},
	{"conv2.weight", []int{64, 128, 3}, "7494a64d74a6f57b"},
	{"conv2.bias", []int{64}, "0460e9e00088d059"},
	{"conv3.weight", []int{64, 64, 3}, "7e8ccc2c39d7ce34"},
	{"conv3.bias", []int{64}, "ff68d83093ef2a67"},
	{"conv4.weight", []int{128, 64, 3}, "eb357e6bdba554f1"},
	{"conv4.bias", []int{128}, "3b43683ce256a5e0"},
	{"lstm_cell.weight_ih", []int{512, 128}, "a26beff59f753492"},
	{"lstm_cell.weight_hh", []int{512, 128}, "71873f3762cb371c"},
	{"lstm_cell.bias_ih", []int{512}, "133c02c56e6d14e9"},
	{"lstm_cell.bias_hh", []int{512}, "be332961b28ba402"},
	{"final_conv.weight", []int{1, 128, 1}, "18b753c930e2bd69"},
	{"final_conv.bias", []int{1}, "a12ffa447c86cc46"},
}
