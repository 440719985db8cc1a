// A worker of the comparison: one library, one layer at a time, one thread. Package main
// writes commands to its standard input and reads answers from its standard output; each
// is a line, and what follows it is float32 in the byte order of the machine:
//
//	layer CELL TYPE H T N    then W R B BR X    →  ok, or lacks and why
//	run CALLS                                   →  ok NANOSECONDS
//	outputs                                     →  ok, then Y
//
// or error and why.
//
// The worker begins with a line of its own: its name and version. Rows of the weights are
// in the order i f g o and r u n; a call runs X, T steps of N streams of H numbers, from
// the states that the call before it left.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

struct Layer {
    bool lstm, int8;
    int H, T, N;
    std::vector<float> W, R, B, BR, X;
    int gates() const { return lstm ? 4 : 3; }
};

struct Peer {
    virtual ~Peer() {}
    virtual void run() = 0;
    virtual const float* outputs() = 0;
};

// What each library defines. open_layer throws invalid_argument for what the library does
// not have.
std::string version();
std::unique_ptr<Peer> open_layer(const Layer&);

static void read_floats(std::vector<float>& v, size_t n) {
    v.resize(n);
    if (fread(v.data(), sizeof(float), n, stdin) != n) throw std::runtime_error("the input ends in a layer");
}

int main() {
    printf("%s\n", version().c_str());
    fflush(stdout);
    Layer l;
    std::unique_ptr<Peer> peer;
    char line[100], cell[8], type[8];
    while (fgets(line, sizeof line, stdin)) {
        try {
            int calls;
            if (sscanf(line, "layer %7s %7s %d %d %d", cell, type, &l.H, &l.T, &l.N) == 5) {
                peer.reset();
                l.lstm = !strcmp(cell, "lstm");
                l.int8 = !strcmp(type, "int8");
                size_t rows = size_t(l.gates()) * l.H;
                read_floats(l.W, rows * l.H);
                read_floats(l.R, rows * l.H);
                read_floats(l.B, rows);
                read_floats(l.BR, rows);
                read_floats(l.X, size_t(l.T) * l.N * l.H);
                peer = open_layer(l);
                printf("ok\n");
            } else if (!peer) {
                throw std::runtime_error("no layer");
            } else if (sscanf(line, "run %d", &calls) == 1) {
                auto start = std::chrono::steady_clock::now();
                for (int i = 0; i < calls; i++) peer->run();
                auto took = std::chrono::steady_clock::now() - start;
                printf("ok %lld\n", (long long)std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
            } else if (!strcmp(line, "outputs\n")) {
                printf("ok\n");
                fwrite(peer->outputs(), sizeof(float), l.X.size(), stdout);
            } else {
                throw std::runtime_error("unknown command");
            }
        } catch (const std::invalid_argument& e) {
            printf("lacks %s\n", e.what());
        } catch (const std::exception& e) {
            std::string why = e.what();
            printf("error %s\n", why.substr(0, why.find('\n')).c_str());
        }
        fflush(stdout);
    }
}
