/// \file
/// A user's program: it compiles and runs against every form in which pathline comes.
#ifdef SINGLE_HEADER
#include <pathline_ode.hpp>
#else
#include <pathline/ode/solve.hpp>
#include <pathline/version.hpp>
#endif

#include <cmath>
#include <iostream>
#include <string_view>

#if defined(EXPECT_OPENMP) && !defined(_OPENMP)
#error "pathline::parallel does not turn OpenMP on"
#endif
#ifdef EXPECT_VERSION
static_assert(std::string_view(PATHLINE_VERSION_STRING) == EXPECT_VERSION, "not the version that CMake has found");
#endif

int main() {
  const auto decay = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) { dy = -y; };
  const Eigen::Vector2d y = pathline::solve(decay, Eigen::Vector2d(1, 2), 0, 1);
  std::cout << "pathline " PATHLINE_VERSION_STRING " with Eigen " << (EIGEN_VERSION_AT_LEAST(5, 0, 0) ? "5" : "3.4")
            << ": y(1) = " << std::hexfloat << y(0) << ' ' << y(1) << '\n';
  return std::abs(y(0) - std::exp(-1.)) < 1e-5 ? 0 : 1;
}
