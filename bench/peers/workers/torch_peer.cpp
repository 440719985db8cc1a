// PyTorch's own C++: torch::lstm and torch::gru, as nn.LSTM and nn.GRU call them, without
// Python. Int8 is what torch.ao.quantization.quantize_dynamic makes by default: one scale
// for a matrix, and for the activations of a product.
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/torch.h>

#include "peer.h"

std::string version() {
    at::set_num_threads(1);
    return std::string("PyTorch ") + TORCH_VERSION;
}

static torch::Tensor tensor(const std::vector<float>& v, std::vector<int64_t> shape) {
    return torch::from_blob(const_cast<float*>(v.data()), shape).clone();
}

static c10::OperatorHandle find(const char* op, const char* overload = "") {
    return c10::Dispatcher::singleton().findSchemaOrThrow(op, overload);
}

static c10::IValue call(const char* op, torch::jit::Stack arguments) {
    find(op).callBoxed(&arguments);
    return arguments.at(0);
}

// packed is a matrix of int8, quantised as default_weight_observer has it.
static c10::IValue packed(const torch::Tensor& w, const torch::Tensor& bias) {
    double scale = w.abs().max().item<double>() / 127.5;
    return call("quantized::linear_prepack", {torch::quantize_per_tensor(w, scale, 0, torch::kQInt8), bias});
}

struct Torch : Peer {
    const bool lstm, int8;
    bool onednn = true;
    std::vector<torch::Tensor> weights;
    c10::IValue cells; // a list of one cell's packed weights
    c10::OperatorHandle quantized;
    torch::Tensor x, y, h, c;

    Torch(const Layer& l)
        : lstm(l.lstm), int8(l.int8), quantized(find(l.lstm ? "aten::quantized_lstm" : "aten::quantized_gru", "input")) {
        c10::InferenceMode guard;
        int64_t H = l.H, rows = l.gates() * H;
        weights = {tensor(l.W, {rows, H}), tensor(l.R, {rows, H}), tensor(l.B, {rows}), tensor(l.BR, {rows})};
        x = tensor(l.X, {l.T, l.N, H});
        h = torch::zeros({1, l.N, H});
        c = torch::zeros({1, l.N, H});
        if (int8) {
            auto cell = call("quantized::make_quantized_cell_params_dynamic",
                             {packed(weights[0], weights[2]), packed(weights[1], weights[3]), weights[2], weights[3],
                              true}); // reduce_range, as DynamicQuantizedLSTM has it
            c10::impl::GenericList list(cell.type());
            list.push_back(cell);
            cells = list;
        }
        if (lstm && !int8) {
            double with = measure(true), without = measure(false);
            onednn = with <= without;
            h.zero_();
            c.zero_();
        }
    }

    // measure returns the least nanoseconds of a few calls.
    double measure(bool use) {
        onednn = use;
        double least = 1e18;
        for (int i = 0; i < 8; i++) {
            auto start = std::chrono::steady_clock::now();
            run();
            least = std::min(least, std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count());
        }
        return least;
    }

    void run() override {
        c10::InferenceMode guard;
        at::globalContext().setUserEnabledMkldnn(onednn);
        if (int8) {
            torch::jit::Stack arguments{x, h, cells, true, 1, 0.0, false, false, false};
            if (lstm) {
                arguments[1] = c10::List<torch::Tensor>({h, c});
                arguments.insert(arguments.end(), {torch::kQInt8, true});
            }
            quantized.callBoxed(&arguments);
            y = arguments[0].toTensor();
            h = arguments[1].toTensor();
            if (lstm) c = arguments[2].toTensor();
        } else if (lstm) {
            std::tie(y, h, c) = at::lstm(x, {h, c}, weights, true, 1, 0, false, false, false);
        } else {
            std::tie(y, h) = at::gru(x, h, weights, true, 1, 0, false, false, false);
        }
    }

    const float* outputs() override { return (y = y.contiguous()).data_ptr<float>(); }
};

std::unique_ptr<Peer> open_layer(const Layer& l) { return std::make_unique<Torch>(l); }
