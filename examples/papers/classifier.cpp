/// \file
/// Chen et al. 2018 (arXiv 1806.07366), section 3 and table 1: an ODE in place of the blocks of a residual network, for
/// a classifier of images, with its gradient by the adjoint.
///
/// Here: 8 × 8 digits (examples/data), an encoder 64-32 and a head 32-10 around one of three bodies with the same
/// number of parameters, 4288: four residual blocks 32-16-32; h' = f(h, t) with f 32-64-32 that reads the time, from 0
/// to 1, through whose steps the gradient goes back; the same with the adjoint. All is trained by Adam for the same
/// mini-batches. The memory is what one gradient of a mini-batch takes from the heap, from cold.
#include <examples/papers/ode.hpp>
#include <examples/papers/rows.hpp>
#include <examples/papers/setting.hpp>

#include <examples/common/net.hpp>
#include <examples/common/number_text.hpp>
#include <examples/common/plot.hpp>

#include <pathline/io/csv.hpp>
#include <pathline/nn/compose/residual.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/progress_line.hpp>
#include <pathline/train/split.hpp>

#include <support/allocations.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <numbers>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace examples::papers {

using namespace pathline;

namespace {

constexpr Index pixels = 64, classes = 10, dim = 32, blocks = 4;

/// Of a mini-batch of the body's outputs: writes their cotangents.
using Loss = std::function<float(const Batch<float>& H, Batch<float>& H_bar)>;

struct Cost {
  double evaluations = 0, backward = 0, kibibytes = 0;
};

/// Blocks y = x + W tanh(V x + a) + b.
struct ResidualBody {
  using Block = Residual<Mlp<float, Tanh>::Layers>;
  Net<Repeat<Block>> net;

  explicit ResidualBody(Rng& rng)
      : net(Repeat<Block>(dim, std::vector(std::size_t(blocks), Block(Mlp<float, Tanh>::layers(dim, {16}, 0)))), rng) {}

  [[nodiscard]] Index parameters() const { return net.theta.size(); }
  [[nodiscard]] Batch<float> evaluate(const Batch<float>& X) { return net.evaluate(X); }
  /// The cotangent of X.
  [[nodiscard]] Batch<float> gradient(const Batch<float>& X, const Loss& loss) {
    std::vector<float> tape;
    const Batch<float> H = net.evaluate(X, tape);
    Batch<float> H_bar(H.rows(), H.cols());
    loss(H, H_bar);
    return net.pull_back(X, std::move(H_bar), tape);
  }
  void step(double rate) { net.step(rate); }
  [[nodiscard]] Cost cost(const Batch<float>& X, const Loss& loss) {
    net.workspace = {};
    const AllocationCounter heap;
    (void)gradient(X, loss);
    net.theta_bar.setZero();
    return {.evaluations = double(blocks), .backward = double(blocks), .kibibytes = double(heap.peak_bytes()) / 1024};
  }
};

template <class Gradient>
struct OdeBody {
  NetworkOde<Gradient> ode;
  typename NetworkOde<Gradient>::Memory memory{};
  ValueAndGradient<float> result{};
  OptimizerState<float> state{};
  std::vector<double> times{0, 1};

  OdeBody(const Mlp<float, Tanh>& field, double tolerance, Index widest)
      : ode(field, Dopri5{}, PiController{.rtol = tolerance, .atol = tolerance}, Gradient{}, Threads{1},
            ChunkWidth{widest}) {}

  [[nodiscard]] Index parameters() const { return ode.parameters().size(); }
  [[nodiscard]] Batch<float> evaluate(const Batch<float>& X) const { return solve(ode, X, times)[1]; }
  [[nodiscard]] Batch<float> gradient(const Batch<float>& X, const Loss& loss) {
    const auto loss_of_states = [&](const States& states, States& bars) { return loss(states[1], bars[1]); };
    value_and_gradient(ode, X, times, loss_of_states, memory, result);
    return result.initial;
  }
  void step(double rate) { state.step(Adam{}, rate, result.parameters, ode.parameters()); }
  [[nodiscard]] Cost cost(const Batch<float>& X, const Loss& loss) {
    memory = {};
    result = {};
    const AllocationCounter heap;
    (void)gradient(X, loss);
    return {.evaluations = double(result.forward.evaluations),
            .backward = double(result.backward.evaluations),
            .kibibytes = double(heap.peak_bytes()) / 1024};
  }
};

struct Images {
  Batch<float> pixels;  ///< 64 × n, in [0, 1].
  std::vector<Index> labels;

  Images() = default;
  explicit Images(const Batch<double>& rows) : pixels((rows.topRows(papers::pixels) / 16).cast<float>()) {
    for (Index i = 0; i < rows.cols(); ++i) labels.push_back(Index(rows(papers::pixels, i)));
  }
};

/// Encoder, body and head.
template <class Body>
struct Classifier {
  Net<Dense<float, Tanh>> encoder;
  Net<Linear<float>> head;
  Body body;

  template <class MakeBody>
  Classifier(const MakeBody& make_body, Rng& rng)
      : encoder(Dense<float, Tanh>(pixels, dim, 0), rng),
        head(Linear<float>(dim, classes, 0), rng),
        body(make_body(rng)) {}

  [[nodiscard]] Index parameters() const { return encoder.theta.size() + head.theta.size() + body.parameters(); }

  /// Cross entropy of a mini-batch in nats, as a function of what the body gives; the head's gradient is added up.
  [[nodiscard]] Loss loss_of(const std::vector<Index>& labels) {
    return [this, &labels](const Batch<float>& H, Batch<float>& H_bar) {
      std::vector<float> tape;
      const Batch<float> logits = head.evaluate(H, tape);
      Batch<float> P = (logits.rowwise() - logits.colwise().maxCoeff()).array().exp();
      P.array().rowwise() /= P.colwise().sum().eval().array();
      const float share = 1 / float(H.cols());
      float loss = 0;
      for (Index i = 0; i < H.cols(); ++i) {
        loss -= share * std::log(P(labels[std::size_t(i)], i));
        P(labels[std::size_t(i)], i) -= 1;
      }
      H_bar = head.pull_back(H, share * P, tape);
      return loss;
    };
  }
  void step(const Images& batch, double rate) {
    std::vector<float> tape;
    const Batch<float> X = encoder.evaluate(batch.pixels, tape);
    Batch<float> X_bar = body.gradient(X, loss_of(batch.labels));
    (void)encoder.pull_back(batch.pixels, std::move(X_bar), tape);
    encoder.step(rate);
    body.step(rate);
    head.step(rate);
  }
  [[nodiscard]] double accuracy(const Images& images) {
    const Batch<float> logits = head.evaluate(body.evaluate(encoder.evaluate(images.pixels)));
    Index right = 0, best = 0;
    for (Index i = 0; i < logits.cols(); ++i) {
      logits.col(i).maxCoeff(&best);
      right += best == images.labels[std::size_t(i)];
    }
    return double(right) / double(logits.cols());
  }
  [[nodiscard]] Cost cost(const Images& batch) {
    const Cost cost = body.cost(encoder.evaluate(batch.pixels), loss_of(batch.labels));
    head.theta_bar.setZero();
    return cost;
  }
};

/// What the seeds gave.
struct Figures {
  std::string name;
  Index parameters = 0;
  std::vector<double> accuracy{}, at_start{}, evaluations{}, backward{}, kibibytes{}, seconds{};
};

struct Job {
  const Images& train;
  const Images& test;
  Index epochs, batch;
  const Rng& rng;  ///< Every model draws the same mini-batches.
  ProgressLine& progress;
  long& done;
};

[[nodiscard]] Images some_of(const Images& all, std::span<const Index> which) {
  Images some;
  some.pixels = columns_of(all.pixels, which);
  for (const Index i : which) some.labels.push_back(all.labels[std::size_t(i)]);
  return some;
}

template <class Body>
void train(Classifier<Body>& model, const Job& job, Figures& figures) {
  Rng rng = job.rng;
  const Index n = job.train.pixels.cols();
  std::vector<Index> some(std::size_t(job.batch));
  std::iota(some.begin(), some.end(), Index(0));
  const Images measured = some_of(job.train, some);
  figures.at_start.push_back(model.cost(measured).evaluations);
  const double start = processor_seconds();
  for (Index epoch = 0; epoch < job.epochs; ++epoch) {
    const std::vector<Index> order = permutation(rng.draw(), n);
    const double rate = 3e-3 * 0.5 * (1 + std::cos(std::numbers::pi * double(epoch) / double(job.epochs)));
    for (Index i = 0; i + job.batch <= n; i += job.batch)
      model.step(some_of(job.train, std::span(order).subspan(std::size_t(i), std::size_t(job.batch))), rate);
    const double accuracy = model.accuracy(job.test);
    job.progress.update(++job.done, figures.name + "  accuracy " + number_text(accuracy));
  }
  figures.seconds.push_back(processor_seconds() - start);
  figures.parameters = model.parameters();
  figures.accuracy.push_back(model.accuracy(job.test));
  const Cost cost = model.cost(measured);
  figures.evaluations.push_back(cost.evaluations);
  figures.backward.push_back(cost.backward);
  figures.kibibytes.push_back(cost.kibibytes);
}

/// Memory of one gradient of the same field, against evaluations of the forward solve.
struct Sweep {
  Eigen::MatrixXd tapes{2, 0}, adjoint{2, 0};
};

[[nodiscard]] Sweep sweep(const Mlp<float, Tanh>& field, const Batch<float>& X) {
  Sweep result;
  const Loss loss = [](const Batch<float>& H, Batch<float>& H_bar) {
    H_bar = H / float(H.cols());
    return H.squaredNorm() / float(2 * H.cols());
  };
  std::printf("\n%10s %12s %12s %14s %14s %22s\n", "tolerance", "evaluations", "tapes, KiB", "adjoint, KiB",
              "back, adjoint", "difference of gradients");
  for (const double tolerance : {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6}) {
    OdeBody<Backpropagation<>> by_tapes(field, tolerance, X.cols());
    OdeBody<Adjoint> by_adjoint(field, tolerance, X.cols());
    const Cost tapes = by_tapes.cost(X, loss), adjoint = by_adjoint.cost(X, loss);
    const auto append = [&](double kibibytes, Eigen::MatrixXd& curve) {
      curve.conservativeResize(2, curve.cols() + 1);
      curve.rightCols(1) << tapes.evaluations, kibibytes;
    };
    append(tapes.kibibytes, result.tapes);
    append(adjoint.kibibytes, result.adjoint);
    const Vector<float>&exact = by_tapes.result.parameters, &other = by_adjoint.result.parameters;
    std::printf("%10.0e %12.0f %12.0f %14.0f %14.0f %22.1e\n", tolerance, tapes.evaluations, tapes.kibibytes,
                adjoint.kibibytes, adjoint.backward, double((exact - other).norm() / exact.norm()));
  }
  return result;
}

}  // namespace

void classifier(int argc, char** argv) {
  Setting setting;
  double tolerance = 1e-3;
  CommandLine line("Chen et al. 2018: an ODE in place of residual blocks, on 8 x 8 digits.");
  setting.add_to(line);
  line.add("--tolerance", tolerance, "of the solves").within(1e-7, 1.);
  setting.parse(line, argc, argv);
  if (!AllocationCounter::available)
    std::cout << "the memory is 0 below: it is counted with glibc alone, and not in programs for a sanitizer\n";

  const Index epochs = setting.length<Index>(2, 60, 300), batch = 64;
  const Batch<double> table = io::read_csv<double>(std::filesystem::path(PATHLINE_EXAMPLE_DATA) / "digits.csv");
  std::vector<Figures> all{{"residual net, 4 blocks"}, {"ODE, kept tapes"}, {"ODE, adjoint"}};
  std::optional<Mlp<float, Tanh>> field;
  Batch<float> encoded;
  long done = 0;
  std::optional<ProgressLine> progress(std::in_place, std::cerr, "epochs of all",
                                       long(setting.all_seeds().size() * all.size()) * long(epochs));
  for (const std::uint64_t seed : setting.all_seeds()) {
    Rng rng(seed);
    const auto data = split(table, 0.25, rng);
    const Images train_rows(data.rest), test_rows(data.held_out);
    const Job job{train_rows, test_rows, epochs, batch, rng, *progress, done};
    const auto ode = [&]<class Gradient>(Gradient /*by*/, Figures& figures) {
      Rng start(seed);
      const auto make = [&](Rng& draws) {
        return OdeBody<Gradient>(Mlp<float, Tanh>(dim, {64}, draws), tolerance, train_rows.pixels.cols());
      };
      Classifier<OdeBody<Gradient>> model(make, start);
      train(model, job, figures);
      if (!field) {
        field = model.body.ode.field();
        encoded = model.encoder.evaluate(train_rows.pixels.leftCols(batch));
      }
    };
    {
      Rng start(seed);
      Classifier<ResidualBody> model([](Rng& draws) { return ResidualBody(draws); }, start);
      train(model, job, all[0]);
    }
    ode(Backpropagation<>{}, all[1]);
    ode(Adjoint{}, all[2]);
  }

  progress.reset();  // its line ends
  std::printf("%24s %12s %22s %14s %18s %18s %20s %20s\n", "", "parameters", "accuracy / %", "evaluations",
              "after training", "back", "gradient / KiB", "training / CPU s");
  for (const Figures& one : all) {
    std::vector<double> percent = one.accuracy;
    for (double& value : percent) value *= 100;
    std::printf("%24s %12td %22s %14s %18s %18s %20s %20s\n", one.name.c_str(), one.parameters,
                spread(percent, 1).c_str(), spread(one.at_start, 0).c_str(), spread(one.evaluations, 0).c_str(),
                spread(one.backward, 0).c_str(), spread(one.kibibytes, 0).c_str(), spread(one.seconds, 1).c_str());
  }
  const Sweep memory = sweep(*field, encoded);

  setting.picture("classifier.png", [&](const std::filesystem::path& png) {
    plot::graph(png, {{memory.tapes, "kept tapes"}, {memory.adjoint, "adjoint"}},
                {.style = {.title = "Memory of one gradient of the ODE classifier, 64 images", .height = 700},
                 .x_label = "evaluations of the forward solve, by tolerances from 0.1 to 1e-6",
                 .y_label = "peak memory / KiB",
                 .dots = {{memory.tapes, ""}, {memory.adjoint, ""}},
                 .from_zero = true});
  });
}

}  // namespace examples::papers
