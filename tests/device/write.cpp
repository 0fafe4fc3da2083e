// device_headers FOLDER: exports five flows, NAME.hpp each, and writes expected.hpp: inputs, what the library gives for
// them by the same steps, and by step control.
#include <pathline/flow/base/gaussian_bases.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/real_time/real_time_flow.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/flow/transform/whiten.hpp>
#include <pathline/io/device/device_field.hpp>
#include <pathline/io/device/device_text.hpp>
#include <pathline/io/write_header.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/potential/potential.hpp>
#include <pathline/nn/squash_mlp.hpp>
#include <pathline/ode/control/step_control.hpp>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace pathline;

namespace {

/// `type name[columns][rows] = {{…}, …};`
template <Real Scalar>
void write_columns(std::ostream& out, const std::string& name, const Batch<Scalar>& X) {
  out << "constexpr " << io::detail::scalar_name<Scalar> << " " << name << "[" << X.cols() << "][" << X.rows()
      << "] = {";
  for (Index j = 0; j < X.cols(); ++j) {
    out << (j > 0 ? ",\n {" : "\n {");
    for (Index i = 0; i < X.rows(); ++i) out << (i > 0 ? ", " : "") << io::detail::literal(X(i, j));
    out << "}";
  }
  out << "};\n";
}

/// Raw data, d rows of which vary together above c rows of context.
template <Real Scalar>
Batch<Scalar> data(Index d, Index c) {
  Batch<double> X(d + c, 20);
  fill<Gaussian>(Draw{11, 0}, 0, X);
  for (Index i = 0; i < d + c; ++i) X.row(i) = (10. * double(i) + 3 * X.row(i).array()).matrix().eval();
  X.row(0) += 0.2 * X.row(d - 1);
  return X.cast<Scalar>();
}

template <class Flow>
void keep(const std::filesystem::path& folder, std::ostream& out, const std::string& name, Flow flow,
          const Batch<typename Flow::DataScalar>& X, double weights, double tolerance) {
  using Scalar = typename Flow::Scalar;
  using DataScalar = typename Flow::DataScalar;
  flow.parameters() *= Scalar(weights);  // networks as they start bend their paths little
  const StepCalibration calibration = io::write_header(
      folder / (name + ".hpp"), flow, X, {.name = name, .description = "Of a test\\", .tolerance = tolerance});
  std::printf("%-16s %2d steps of %s, log p to %.1e\n", name.c_str(), int(calibration.steps),
              calibration.method.name.c_str(), calibration.log_prob.max);
  RealTimeFlow real_time(flow, calibration);
  const Index d = flow.dim(), c = flow.context_rows(), n = 20;
  Batch<Scalar> log_p(1, n), points(d + c, n);
  Batch<DataScalar> back(d, n);
  for (Index j = 0; j < n; ++j) {
    Vector<Scalar> z(d);
    Vector<DataScalar> raw(d);
    points.col(j).tail(c) = X.col(j).tail(c).template cast<Scalar>();
    bool finite = real_time.log_prob(X.col(j), log_p(0, j)) && real_time.transform(X.col(j), z);
    points.col(j).head(d) = z;
    finite = real_time.sample(points.col(j), raw) && finite;  // z as noise
    if (!finite) throw Error("not finite");
    back.col(j) = raw;
  }
  out << "namespace expected_" << name << " {\n";
  write_columns<DataScalar>(out, "x", X.leftCols(n));
  write_columns<Scalar>(out, "log_p", log_p);
  write_columns<Scalar>(out, "z", points);
  write_columns<DataScalar>(out, "sample", back);
  write_columns<Scalar>(out, "controlled", flow.log_prob(X.leftCols(n)));
  out << "}\n";
}

/// The code of an activation in a namespace of its own, with what the library gives.
template <class Sigma>
void keep_activation(std::ostream& out, const std::string& name) {
  using io::detail::DeviceActivation;
  const Index n = 81;
  Batch<double> x(1, n), value(1, n), slope(1, n);
  for (Index j = 0; j < n; ++j) {
    x(0, j) = 0.25 * double(j - n / 2) * (j % 4 == 0 ? 30. : 1.);
    const Jet<double> jet = Sigma::jet(x(0, j));
    value(0, j) = jet.value;
    slope(0, j) = jet.first;
  }
  out << "namespace " << name << " {\nusing scalar = double;\n"
      << io::detail::activation_text(DeviceActivation<Sigma>::code);
  write_columns<double>(out, "x", x);
  write_columns<double>(out, "value", value);
  write_columns<double>(out, "slope", slope);
  out << "}\n";
}

}  // namespace

int main(int argc, char** argv) try {
  const std::filesystem::path folder = argc > 1 ? argv[1] : ".";
  std::ofstream out(folder / "expected.hpp");
  const PiController in_float{.rtol = 1e-6, .atol = 1e-6}, in_double{.rtol = 1e-11, .atol = 1e-11};
  Rng rng(3);
  const auto plane = data<double>(2, 0), space = data<double>(3, 1);

  // One, two and three hidden layers have different codes of the trace; 0 side inputs is a field without time, 2 are
  // time and a context.
  const auto mlp = [&](const std::vector<Index>& hidden, Index side) {
    return Cnf(Mlp<float, Tanh>(2, hidden, rng, side), Standardize(plane), in_float);
  };
  keep(folder, out, "shallow_flow", mlp({12}, 0), plane, 3, 1e-3);
  keep(folder, out, "tanh_flow", mlp({16, 16}, 1), plane, 3, 1e-3);
  const Batch<double> plane_and_context = data<double>(2, 1);
  keep(folder, out, "deep_flow",
       Cnf(Mlp<float, Tanh>(2, {5, 4, 6}, rng, 2), Standardize(plane_and_context.topRows(2)),
           StandardizeContext(plane_and_context.row(2)), in_float, TimeSpan{.data = 0.5, .base = -1}),
       plane_and_context, 3, 1e-3);

  keep(folder, out, "softplus_flow",
       Cnf(SquashMlp<double, Softplus>(3, {8, 6}, rng, 2), Whiten(space.topRows(3)), StandardizeContext(space.row(3)),
           DiagonalGaussian(Eigen::Vector3d(0.1, 0, -1), Eigen::Vector3d(1, 0.7, 2)), in_double),
       space, 2, 1e-6);

  Eigen::Matrix2f covariance;
  covariance << 5, -1, -1, 2;
  keep(folder, out, "potential_flow",
       Cnf(Network<Potential<float>>(Potential<float>(2, 12, 2), rng), FullGaussian(Eigen::Vector2f(0, 1), covariance),
           in_float),
       (0.1 * plane).cast<float>().eval(), 0.8, 1e-3);

  keep_activation<Identity>(out, "identity");
  keep_activation<Tanh>(out, "tanh_");
  keep_activation<LogTwoCosh>(out, "log_two_cosh");
  keep_activation<Sigmoid>(out, "sigmoid");
  keep_activation<Softplus>(out, "softplus");
  keep_activation<Swish>(out, "swish");
  keep_activation<Sine>(out, "sine");
} catch (const std::exception& error) {
  std::fprintf(stderr, "device_headers: %s\n", error.what());
  return 1;
}
