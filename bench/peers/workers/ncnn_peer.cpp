// ncnn: a net of one layer, its states as inputs and outputs. Int8 is what its tool
// ncnn2int8 makes of an LSTM or a GRU: a scale for each row.
#include <cmath>
#include <ncnn/datareader.h>
#include <ncnn/net.h>

#include "peer.h"

std::string version() { return std::string("ncnn ") + NCNN_VERSION_STRING; }

// bytes of a model file, as ncnn's ModelBin reads them.
struct File {
    std::vector<unsigned char> bytes;

    void append(const void* p, size_t n) {
        auto b = static_cast<const unsigned char*>(p);
        bytes.insert(bytes.end(), b, b + n);
        bytes.resize((bytes.size() + 3) & ~size_t(3));
    }
    void raw(const std::vector<float>& v) { append(v.data(), v.size() * sizeof(float)); }
    void floats(const std::vector<float>& v) {
        unsigned tag = 0;
        append(&tag, sizeof tag);
        raw(v);
    }
    // int8s writes rows of a matrix, each with 127 for its largest, and returns the scales.
    std::vector<float> int8s(const std::vector<float>& w, int cols) {
        std::vector<float> scales;
        std::vector<signed char> q;
        for (size_t at = 0; at < w.size(); at += cols) {
            float largest = 0;
            for (int k = 0; k < cols; k++) largest = std::max(largest, std::fabs(w[at + k]));
            float scale = largest == 0 ? 1 : 127 / largest;
            for (int k = 0; k < cols; k++) q.push_back((signed char)std::lround(w[at + k] * scale));
            scales.push_back(scale);
        }
        unsigned tag = 0x000D4B38;
        append(&tag, sizeof tag);
        append(q.data(), q.size());
        return scales;
    }
};

// ordered are rows of an LSTM's gates in ncnn's order, i f o g.
static std::vector<float> ordered(const Layer& l, const std::vector<float>& v) {
    if (!l.lstm) return v;
    std::vector<float> out;
    size_t size = v.size() / 4;
    for (int gate : {0, 1, 3, 2}) out.insert(out.end(), v.begin() + gate * size, v.begin() + (gate + 1) * size);
    return out;
}

struct Ncnn : Peer {
    const bool lstm;
    File file; // the net's weights lie in it
    ncnn::Net net;
    ncnn::UnlockedPoolAllocator blobs, workspace;
    ncnn::Mat x, y, h, c;

    Ncnn(const Layer& l) : lstm(l.lstm) {
        if (l.N != 1) throw std::invalid_argument("ncnn has no batches of streams");
        int H = l.H;
        auto W = ordered(l, l.W), R = ordered(l, l.R), B = ordered(l, l.B), BR = ordered(l, l.BR);
        if (lstm) {
            for (size_t i = 0; i < B.size(); i++) B[i] += BR[i];
        } else { // r and u have one bias, n has both
            for (int i = 0; i < 2 * H; i++) B[i] += BR[i];
            B.insert(B.end(), BR.begin() + 2 * H, BR.end());
        }
        if (l.int8) {
            auto Ws = file.int8s(W, H);
            file.floats(B);
            auto Rs = file.int8s(R, H);
            file.raw(Ws);
            file.raw(Rs);
        } else {
            file.floats(W);
            file.floats(B);
            file.floats(R);
        }
        char param[400];
        std::string sizes = " 0=" + std::to_string(H) + " 1=" + std::to_string(W.size()) + (l.int8 ? " 8=2" : "");
        if (lstm)
            snprintf(param, sizeof param, "7767517\n4 6\nInput x 0 1 x\nInput h 0 1 h\nInput c 0 1 c\nLSTM l 3 3 x h c y h1 c1%s\n", sizes.c_str());
        else
            snprintf(param, sizeof param, "7767517\n3 4\nInput x 0 1 x\nInput h 0 1 h\nGRU l 2 2 x h y h1%s\n", sizes.c_str());
        net.opt.num_threads = 1;
        net.opt.blob_allocator = &blobs;
        net.opt.workspace_allocator = &workspace;
        const unsigned char* at = file.bytes.data();
        ncnn::DataReaderFromMemory weights(at);
        if (net.load_param_mem(param) || net.load_model(weights)) throw std::runtime_error("ncnn does not load the layer");
        x.create(H, l.T);
        memcpy(x.data, l.X.data(), l.X.size() * sizeof(float));
        h.create(H, 1);
        c.create(H, 1);
        h.fill(0.f);
        c.fill(0.f);
    }

    // Mats that the pools gave go before the pools do.
    ~Ncnn() { y.release(), h.release(), c.release(), net.clear(); }

    void run() override {
        ncnn::Extractor e = net.create_extractor();
        e.input("x", x);
        e.input("h", h);
        if (lstm) e.input("c", c);
        ncnn::Mat h1, c1;
        if (e.extract("y", y) || e.extract("h1", h1) || (lstm && e.extract("c1", c1))) throw std::runtime_error("ncnn does not run the layer");
        h = h1;
        c = c1;
    }

    const float* outputs() override { return y; }
};

std::unique_ptr<Peer> open_layer(const Layer& l) { return std::make_unique<Ncnn>(l); }
