/// \file
/// A monitor that asks a flow for a log-density in every tick of a control loop of 1 kHz.
///
/// A pump has two sensors: its flow rate in l/min, which wanders with the demand, and the pressure in bar, which
/// follows from it by the pump's characteristic. A flow learns the density of both in normal operation. In the loop a
/// leak begins at 6 s and grows for 2 s. Each sensor alone stays within its normal range for long, so that limits see
/// nothing, but together they become unlikely: the alarm rises when the mean log-density of the last 50 ms falls below
/// a threshold that normal operation crosses in one of 10,000 such windows.
///
/// Prints what the calibration of the steps found, the delay of the alarm, and how long single calls took; writes
/// control_loop.png (the log-density over time), control_loop_plane.png (the density and the leak in the plane of the
/// sensors) and pump_flow.hpp, the same flow for a device. Takes about ten seconds.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>

#include <pathline/flow/cnf.hpp>
#include <pathline/flow/real_time/real_time_flow.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/io/write_header.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/fit.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <numbers>
#include <string>
#include <vector>

using namespace pathline;

namespace {

constexpr double tick = 1e-3, leak_start = 6, leak_growth = 2, end = 10;  // seconds
constexpr Index window = 50;                                              // ticks

/// Both sensors at these times, with noise from a draw: 2 × n. `leak` is the loss of pressure in bar.
template <class Leak>
Batch<double> sense(const std::vector<double>& times, const Draw& draw, const Leak& leak) {
  Batch<double> X(2, Index(times.size()));
  fill<Gaussian>(draw, 0, X);
  for (Index j = 0; j < X.cols(); ++j) {
    const double t = times[std::size_t(j)];
    const double demand =
        30 + 9 * std::sin(2 * std::numbers::pi * t / 3.7) + 5 * std::sin(2 * std::numbers::pi * t / 0.9);
    const double rate = demand + 1.2 * X(0, j);
    const double pressure = 6 - 0.0022 * demand * demand + 0.25 * std::sin(demand / 4) - leak(t) + 0.08 * X(1, j);
    X.col(j) << rate, pressure;
  }
  return X;
}

/// The mean of the last `window` numbers at each place, as far as there are so many.
std::vector<double> moving_mean(const std::vector<double>& values) {
  std::vector<double> means;
  double sum = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    sum += values[k];
    if (k >= std::size_t(window)) sum -= values[k - std::size_t(window)];
    means.push_back(sum / double(std::min(k + 1, std::size_t(window))));
  }
  return means;
}

std::vector<double> row_of(const Batch<double>& X, Index i) {
  std::vector<double> row;
  for (Index k = 0; k < X.cols(); ++k) row.push_back(X(i, k));
  return row;
}

std::vector<double> ticks(double from, Index count) {
  std::vector<double> times;
  for (Index k = 0; k < count; ++k) times.push_back(from + tick * double(k));
  return times;
}

/// The smallest number that at least a part `fraction` of all is below.
double quantile(std::vector<double> values, double fraction) {
  const auto place = values.begin() + std::ptrdiff_t(fraction * double(values.size() - 1));
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

Eigen::MatrixXd curve(const std::vector<double>& x, const std::vector<double>& y) {
  Eigen::MatrixXd points(2, Index(x.size()));
  for (std::size_t k = 0; k < x.size(); ++k) points.col(Index(k)) << x[k], y[k];
  return points;
}

}  // namespace

int main(int argc, char** argv) try {
  Index epochs = 40;
  double tolerance = 0.02;
  std::uint64_t seed = 7;
  std::filesystem::path out = ".";
  examples::CommandLine line("A flow watches two sensors in a control loop of 1 kHz.");
  line.add("--epochs", epochs, "of training").within(1, 10'000);
  line.add("--tolerance", tolerance, "of log p in nats, to which steps are chosen").within(1e-4, 1.);
  line.add("--seed", seed, "of noise, parameters and mini-batches");
  line.add("--out", out, "folder for the pictures and the header").type("DIR");
  line.parse(argc, argv);
  std::filesystem::create_directories(out);

  // Normal operation: 80 s, of which every twentieth tick is learned from.
  Rng rng(seed);
  const auto no_leak = [](double) { return 0.; };
  const auto leak = [](double t) { return 0.5 * std::clamp((t - leak_start) / leak_growth, 0., 1.); };
  std::vector<double> seen = ticks(0, 4000);
  for (double& t : seen) t *= 20;
  const Batch<double> X = sense(seen, rng.draw(), no_leak);

  Cnf flow(Mlp<float, Tanh>(2, {24, 24}, rng), Standardize(X), KineticEnergy{.weight = 0.05},
           PiController{.rtol = 1e-4, .atol = 1e-4});
  const FitReport report = fit(flow, X, {.epochs = epochs, .batch = 200}, rng, Adam{.learning_rate = 1e-2}, Cosine{});
  for (const std::string& warning : report.warnings) std::cout << "note: " << warning << '\n';

  // As many steps as the tolerance asks for on normal data; the same goes into the header.
  const StepCalibration calibration =
      io::write_header(out / "pump_flow.hpp", flow, X.leftCols(1000),
                       {.name = "pump_flow",
                        .description = "Flow rate in l/min and pressure in bar of a pump in normal operation.",
                        .tolerance = tolerance});
  std::printf("%d steps of %s, %d evaluations a call; log p to %.1e nats at most, %.1e rms\n", int(calibration.steps),
              calibration.method.name.c_str(), int(calibration.evaluations()), calibration.log_prob.max,
              calibration.log_prob.rms);
  RealTimeFlow monitor(flow, calibration);

  // The threshold, from 100 s of normal operation that the flow has not seen.
  const auto log_densities = [&](const Batch<double>& series, std::vector<double>& microseconds) {
    std::vector<double> result;
    result.reserve(std::size_t(series.cols()));
    for (Index k = 0; k < series.cols(); ++k) {
      float log_p = -1e3F;  // what a sample counts whose density is not finite
      const auto start = std::chrono::steady_clock::now();
      (void)monitor.log_prob(series.col(k), log_p);
      const auto stop = std::chrono::steady_clock::now();
      microseconds.push_back(std::chrono::duration<double, std::micro>(stop - start).count());
      result.push_back(double(log_p));
    }
    return result;
  };
  std::vector<double> ignored, microseconds;
  const Batch<double> normal = sense(ticks(100, 100'000), rng.draw(), no_leak);
  const std::vector<double> normal_means = moving_mean(log_densities(normal, ignored));
  const double threshold = quantile(normal_means, 1e-4);

  // The loop.
  const std::vector<double> times = ticks(0, Index(std::lround(end / tick)));
  const Batch<double> series = sense(times, rng.draw(), leak);
  const std::vector<double> log_p = log_densities(series, microseconds), means = moving_mean(log_p);
  std::size_t alarm = times.size();
  for (std::size_t k = std::size_t(window); k < times.size() && alarm == times.size(); ++k)
    if (means[k] < threshold) alarm = k;
  const bool raised = alarm < times.size();
  if (raised)
    std::printf("alarm at %.3f s, %.0f ms after the leak began, at a loss of %.3f bar\n", times[alarm],
                1e3 * (times[alarm] - leak_start), leak(times[alarm]));
  else
    std::printf("no alarm\n");
  double crossed = end;  // when the first limit of a single sensor is
  for (Index i = 0; i < 2; ++i) {
    const std::vector<double> usual = moving_mean(row_of(normal, i)), now = moving_mean(row_of(series, i));
    const auto [least, most] = std::minmax_element(usual.begin() + window, usual.end());
    for (std::size_t k = std::size_t(window); k < now.size() && times[k] < crossed; ++k)
      if (now[k] < *least || now[k] > *most) crossed = times[k];
  }
  if (crossed < end)
    std::printf("limits of the single sensors, by their means of 50 ms: crossed at %.3f s\n", crossed);
  else
    std::printf("limits of the single sensors, by their means of 50 ms: not crossed in %g s\n", end);
  std::printf(
      "a call: median %.1f us, 999 of 1000 below %.1f us, worst %.1f us of 1000 us, with what else the machine did\n",
      quantile(microseconds, 0.5), quantile(microseconds, 0.999),
      *std::max_element(microseconds.begin(), microseconds.end()));

  namespace plot = examples::plot;
  if (!plot::gnuplot_available()) std::cout << plot::gnuplot_advice() << '\n';
  // In the picture the density of a single tick is cut off below: what matters is where the mean is.
  const double low = std::min(threshold, *std::min_element(means.begin(), means.end())) - 2;
  std::vector<double> shown;
  for (const double value : log_p) shown.push_back(std::max(value, low));
  std::vector<plot::Points> curves{{curve(times, means), "mean of the last 50 ms"},
                                   {curve({0, end}, {threshold, threshold}), "threshold"}};
  const double high = *std::max_element(shown.begin(), shown.end());
  if (raised) curves.push_back({curve({times[alarm], times[alarm]}, {low, high}), "alarm"});
  plot::graph(out / "control_loop.png", curves,
              {.style = {.title = "Log-density of two sensors, each millisecond; a leak begins at 6 s"},
               .x_label = "time / s",
               .y_label = "log p / nats",
               .dots = {{curve(times, shown), "single ticks"}}});

  constexpr Index cells = 150;
  const plot::Range rates = plot::range_of(X.row(0), 0.05), pressures = plot::range_of(X.row(1), 0.15);
  Batch<double> grid(2, cells * cells);
  for (Index j = 0; j < cells; ++j)
    for (Index i = 0; i < cells; ++i)
      grid.col(j * cells + i) << rates.low + (rates.high - rates.low) * (double(j) + 0.5) / cells,
          pressures.low + (pressures.high - pressures.low) * (double(i) + 0.5) / cells;
  const Eigen::RowVectorXd density = flow.log_prob(grid).cast<double>().array().exp();
  const Eigen::MatrixXd picture = Eigen::Map<const Eigen::MatrixXd>(density.data(), cells, cells);
  const Index last = 1000;
  plot::density_map(out / "control_loop_plane.png", picture,
                    {{series.leftCols(last), "the first second"}, {series.rightCols(last), "the last second"}},
                    {.style = {.title = "Density in normal operation, before and after the leak"},
                     .x = rates,
                     .y = pressures,
                     .x_label = "flow rate / (l/min)",
                     .y_label = "pressure / bar",
                     .color_label = "density / (min/l/bar)"});
  std::cout << "pictures: " << (out / "control_loop.png").string() << ", " << (out / "control_loop_plane.png").string()
            << "; header: " << (out / "pump_flow.hpp").string() << '\n';
} catch (const std::exception& error) {
  std::cerr << "control_loop: " << error.what() << '\n';
  return 1;
}
