// Package torch reads the state_dict of a PyTorch checkpoint without PyTorch:
// .pt, .pth, .tar and .bin files in today's zip container or in the legacy one.
//
// # What is read
//
// Float16, bfloat16, float32 and float64 tensors of any strides, on whatever
// device they were saved, shared or not; parameters and buffers; a state_dict
// as such or inside a dict such as {"state_dict": ..., "epoch": ...}. Plain
// values beside it become Meta. Integer tensors, optimizer state and other
// tensors outside the state_dict are noted in Skipped. Wrapper prefixes
// ("module.", "_orig_mod.") are removed.
//
// A TorchScript archive (torch.jit.save) has its parameters and buffers by their paths,
// and, where package torchscript can follow its code, how the layers are connected; where
// it cannot, Unknown says why.
//
// A whole pickled module (torch.save(model)), in a zip container, alone or in a dict, has
// the names of its state_dict; its classes stay names.
//
// # What is refused
//
// Every class or function outside a short allow-list (see globals.go), by name, but for
// the classes of a pickled module, and a call of those. Nothing in a file is ever
// executed.
//
// # Limits
//
// Memory is proportional to the file, whatever it claims: its pickle has the
// limits of package pickle; compressed zip entries may inflate to 8 times the
// file plus 1 MiB together; all tensors together may have 4 elements per byte
// of the file plus 65536, which leaves room for tied weights but not for
// expanded scalars. Checksums of zip entries are verified where the file has
// them; the legacy container has none.
package torch
