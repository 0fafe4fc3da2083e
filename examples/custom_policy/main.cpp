/// \file
/// Three policies of one's own in one flow: a regularizer, a trace estimator and a base density, each a plain struct
/// that the library has never heard of. Learns the toy set of two moons in about 15 seconds, prints every cost apart
/// from the likelihood, and writes custom_policy.png.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>
#include <examples/common/warnings.hpp>

#include <pathline/pathline.hpp>
#include <pathline/train/toy/toy_densities.hpp>

#include <filesystem>
#include <iomanip>
#include <iostream>

using namespace pathline;

/// Regularizer: ∫ ½ max(0, ‖f‖ - limit)² dt. Samples may go where they like, but not faster than `limit`.
struct SpeedLimit {
  double weight = 1, limit = 2;  // the loss has weight times the cost; what is printed has no weight

  template <Real Scalar>
  void evaluate(const PathPoint<Scalar>& at, RowRef<Scalar> cost) const {
    for (Index i = 0; i < at.samples(); ++i) {
      const Scalar excess = std::max(at.F.col(i).norm() - Scalar(limit), Scalar(0));
      cost(i) = Scalar(0.5) * excess * excess;
    }
  }
  template <Real Scalar>
  void pullback(const PathPoint<Scalar>& at, ConstRowRef<Scalar> cost_bar, PathPointBar<Scalar>& bar) const {
    for (Index i = 0; i < at.samples(); ++i) {
      const Scalar speed = at.F.col(i).norm();
      if (speed > Scalar(limit)) bar.F.col(i) += cost_bar(i) * (speed - Scalar(limit)) / speed * at.F.col(i);
    }
  }
};

/// Trace estimator: tr J ≈ vᵀ J v with v uniform on the sphere of radius √d, where E v vᵀ = I.
struct SphereProbe {
  [[nodiscard]] Index tangents(Index /*d*/) const { return 1; }
  [[nodiscard]] double weight(Index /*d*/, Index /*j*/) const { return 1; }
  template <Real Scalar>
  void fill(const Draw& draw, std::span<const Index> samples, BatchMap<Scalar> V,
            Workspace<Scalar>& /*scratch*/) const {
    pathline::fill<Gaussian>(draw, samples, V);
    for (Index i = 0; i < V.cols(); ++i) V.col(i) *= std::sqrt(Scalar(V.rows())) / V.col(i).norm();
  }
  [[nodiscard]] std::string name() const { return "one probe on a sphere"; }
};

/// Base density: independent logistic components, ν(z) = Π e^-|z| / (1 + e^-|z|)², with tails heavier than a
/// Gaussian's.
template <Real Scalar>
struct Logistic {
  void log_density(ConstBatchRef<Scalar> Z, RowRef<Scalar> log_p) const {
    for (Index j = 0; j < Z.cols(); ++j)
      log_p(j) = -(Z.col(j).array().abs() + Scalar(2) * (-Z.col(j).array().abs()).exp().log1p()).sum();
  }
  void score(ConstBatchRef<Scalar> Z, BatchRef<Scalar> Z_bar) const { Z_bar = -(Scalar(0.5) * Z).array().tanh(); }
  void sample(const Draw& draw, Index first, BatchRef<Scalar> Z) const {
    fill<Uniform>(draw, first, Z);  // then the inverse of the distribution function
    Z = Z.array().log() - (-Z.array()).log1p();
  }
};

int main(int argc, char** argv) try {
  Index epochs = 60;
  std::filesystem::path out = ".";
  examples::CommandLine line(
      "Trains a flow with a regularizer, a trace estimator and a base density of one's own on two moons.");
  line.add("--epochs", epochs, "passes over the training rows").type("N");
  line.add("--out", out, "folder for the picture").type("DIR");
  line.parse(argc, argv);

  Rng rng(7);
  const Batch<double> train = sample_toy<double>(ToyDensity::moons, 2000, rng.draw());
  const Batch<double> test = sample_toy<double>(ToyDensity::moons, 2000, rng.draw());

  // Policies in any order; one's own regularizers and the library's side by side.
  Cnf flow(Mlp<double, Tanh>(2, {64, 64}, rng), SphereProbe{}, Logistic<double>{}, Standardize(train),
           KineticEnergy{.weight = 0.01}, SpeedLimit{.weight = 0.1, .limit = 2});
  const FitReport report = fit(flow, train, {.epochs = epochs, .batch = 128}, rng, Adam{.learning_rate = 5e-3},
                               Cosine{.final_rate = 1e-4}, PrintProgress{});

  const Estimate nll = mean_estimate(-flow.log_prob(test));
  const std::vector<double>& costs = report.epochs.back().train_costs;  // in the order of the regularizers
  std::cout << std::fixed << std::setprecision(3) << "NLL             " << nll.value << " ± " << nll.standard_error
            << " nats (test rows, " << flow.evaluation_trace() << "); of the truth: " << toy_entropy(ToyDensity::moons)
            << "\nkinetic energy  " << costs[0] << "\nspeed limit     " << costs[1] << " (training rows, "
            << flow.training_trace() << ")\n";
  examples::print_warnings(std::cout, report.warnings);

  // Centres of the cells of a grid from (-4, -3) to (4, 3), 300 rows of 400, which are too small to be seen.
  constexpr Index rows = 300, columns = 400;
  Batch<double> cells(2, rows * columns);
  for (Index k = 0; k < cells.cols(); ++k)
    cells.col(k) << 0.02 * (double(k / rows) + 0.5) - 4, 0.02 * (double(k % rows) + 0.5) - 3;
  const Batch<double> density = flow.log_prob(cells).array().exp().matrix().reshaped(rows, columns);
  std::filesystem::create_directories(out);
  examples::plot::density_map(out / "custom_policy.png", density, {{test.leftCols(500), "500 test rows"}},
                              {.style = {.title = "Two moons: the density that the flow has learned"},
                               .x = {-4, 4},
                               .y = {-3, 3},
                               .x_label = "first component",
                               .y_label = "second component"});
  if (examples::plot::gnuplot_available())
    std::cout << "picture         " << (out / "custom_policy.png").string() << '\n';
  else
    std::cerr << "custom_policy: " << examples::plot::gnuplot_advice() << '\n';
} catch (const std::exception& error) {
  std::cerr << "custom_policy: " << error.what() << '\n';
  return EXIT_FAILURE;
}
