// What runs in several threads, under the thread sanitizer: chunks of a batch, training, and const calls of one flow at
// the same time. The results are those of one thread, bit by bit. A program of its own, for which the library is
// compiled anew.
#include <pathline/pathline.hpp>
#include <pathline/train/toy/toy_densities.hpp>
#include <pathline/train/variational/fit_variational.hpp>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <thread>
#include <vector>

using namespace pathline;

namespace {

int failures = 0;

void check(bool holds, const char* what) {
  std::cout << (holds ? "ok      " : "FAILED  ") << what << std::endl;
  if (!holds) ++failures;
}

void chunks() {
  constexpr Index columns = 1000;
  std::vector<double> result(columns);
  constexpr int threads = 4;
  std::vector<std::vector<double>> scratch(threads);
  // The chunks' counter orders what one thread does after another: only threads that are at work at the same time can
  // be seen to share what they should not. Each waits for all in its first chunk.
  std::atomic<int> at_work = 0;
  for_each_chunk(columns, 16, threads, [&](Index, ColumnChunk chunk, int thread) {
    if (scratch[std::size_t(thread)].empty()) {
      at_work.fetch_add(1, std::memory_order_relaxed);
      for (int i = 0; i < 100'000 && at_work.load(std::memory_order_relaxed) < threads; ++i) std::this_thread::yield();
    }
    std::vector<double>& mine = scratch[std::size_t(thread)];
    mine.assign(std::size_t(chunk.count), 0);
    std::iota(mine.begin(), mine.end(), double(chunk.first));
    for (Index i = 0; i < chunk.count; ++i) result[std::size_t(chunk.first + i)] = 2 * mine[std::size_t(i)];
  });
  bool right = true;
  for (std::size_t i = 0; i < result.size(); ++i) right = right && result[i] == 2 * double(i);
  check(right, "each column is written once, by the thread of its chunk");

  bool thrown = false;
  try {
    for_each_chunk(columns, 16, 4, [](Index i, ColumnChunk, int) {
      if (i == 7 || i == 40) throw ArgumentError("chunk", std::to_string(i), "another");
    });
  } catch (const ArgumentError& error) {
    thrown = std::string(error.what()).find("chunk is 7") != std::string::npos;
  }
  check(thrown, "the failure of the lowest chunk arrives");
}

auto flow_of(int threads) {
  Rng rng(1);
  return Cnf(Mlp<float, Tanh>(2, {16, 16}, rng), Hutchinson<Rademacher>{}, Dopri5{},
             PiController{.rtol = 1e-3, .atol = 1e-3}, KineticEnergy{.weight = 0.01}, Threads{threads}, ChunkWidth{32});
}

/// A Gaussian with mean (1, -1), unnormalised.
struct Bell {
  void log_density(ConstBatchRef<float> X, RowRef<float> log_p) const {
    for (Index j = 0; j < X.cols(); ++j)
      log_p(j) = -((X(0, j) - 1) * (X(0, j) - 1) + (X(1, j) + 1) * (X(1, j) + 1)) / 2;
  }
  void score(ConstBatchRef<float> X, BatchRef<float> X_bar) const {
    for (Index j = 0; j < X.cols(); ++j) {
      X_bar(0, j) = 1 - X(0, j);
      X_bar(1, j) = -1 - X(1, j);
    }
  }
};

}  // namespace

int main() {
  chunks();

  Rng rng(7);
  const Batch<float> X = sample_toy<float>(ToyDensity::moons, 256, rng.draw());
  const auto trained = [&X](int threads) {
    auto flow = flow_of(threads);
    Rng order(3);
    fit(flow, X, {.epochs = 2, .batch = 128}, order);
    return flow;
  };
  const auto one = trained(1);
  const auto flow = trained(3);
  check(flow.parameters() == one.parameters(), "training by three threads gives the parameters of one");

  const auto inferred = [](int threads) {
    auto sampler = flow_of(threads);
    VariationalInference inference(sampler, Bell{});
    Rng points(3);
    fit(inference, {.iterations = 4, .batch = 128, .report_every = 4}, points);
    return Vector<float>(sampler.parameters());
  };
  check(inferred(3) == inferred(1), "variational inference by three threads gives the parameters of one");

  const Row<float> log_prob = one.log_prob(X);
  Rng serial(5);
  const Batch<float> samples = one.sample(100, serial), there = one.transform(X);
  std::atomic<int> right = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i)
    callers.emplace_back([&] {
      Rng mine(5);
      right += flow.log_prob(X) == log_prob;
      right += flow.sample(100, mine) == samples;
      right += flow.transform(X) == there;
    });
  for (std::thread& caller : callers) caller.join();
  check(right == 9, "const calls of one flow at the same time give what each gives alone");
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
