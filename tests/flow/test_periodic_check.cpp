#include <pathline/flow/periodic_check.hpp>

#include <support/catch.hpp>

#include <cmath>

using namespace pathline;
using namespace pathline::detail;

namespace {

struct SaysSo {
  [[nodiscard]] std::vector<Index> circles() const { return {0, 2}; }
};

/// f_i = sin(z_i) + slope z_2, of which only slope 0 is periodic in the last component.
struct Waves {
  using Scalar = double;
  double slope = 0;
  [[nodiscard]] Index dim() const { return 3; }
  [[nodiscard]] Index side_rows() const { return 1; }
  [[nodiscard]] Index widest() const { return 3; }
  [[nodiscard]] Index parameter_count() const { return 0; }
  [[nodiscard]] Index tape_size(Index /*n*/, Index /*k*/) const { return 0; }
  void linearize(ConstBatchRef<double> /*S*/, ConstBatchRef<double> X, Index /*n*/, BatchRef<double> Y,
                 std::span<double> /*tape*/, Workspace<double>& /*workspace*/) const {
    for (Index j = 0; j < X.cols(); ++j)
      for (Index i = 0; i < 3; ++i) Y(i, j) = std::sin(X(i, j)) + slope * X(2, j);
  }
  void pullback(ConstBatchRef<double>, ConstBatchRef<double>, Index, std::span<double>, BatchRef<double>,
                BatchRef<double>, BatchRef<double>, VectorRef<double>, Workspace<double>&) const {}
};

}  // namespace

TEST_CASE("circles_of: what a part says, or none", "[flow][periodic]") {
  CHECK(circles_of(SaysSo{}) == std::vector<Index>{0, 2});
  CHECK(circles_of(Waves{}).empty());
}

TEST_CASE("require_same_circles: base, transform and field must name the same components", "[flow][periodic][errors]") {
  CHECK_NOTHROW(require_same_circles({0, 2}, {0, 2}, {0, 2}, true));
  CHECK_NOTHROW(require_same_circles({0, 2}, {0, 2}, {}, false));
  CHECK_THROWS_WITH(require_same_circles({0}, {0}, {0, 2}, true),
                    "Cnf: components on circles of the base density is 0, expected those of the field, 0, 2: name "
                    "PeriodicBase(dim, circles)");
  CHECK_THROWS_WITH(require_same_circles({0}, {}, {0}, true),
                    Catch::Matchers::StartsWith("Cnf: components on circles of the data transform is none, expected "
                                                "those of the base density, 0:"));
}

TEST_CASE("require_periodic: a turn of each circle must not change the field", "[flow][periodic][errors]") {
  CHECK_NOTHROW(require_periodic(Waves{}, {0, 1, 2}, 0.5));
  CHECK_NOTHROW(require_periodic(Waves{.slope = 0.1}, {0, 1}, 0.5));
  CHECK_THROWS_WITH(
      require_periodic(Waves{.slope = 0.1}, {0, 2}, 0.5),
      Catch::Matchers::StartsWith("Cnf: the field's change when component 2, a circle, makes one turn is"));
}
