/// \file
/// A user's program: it compiles and runs against the installed package, the tree, and a plain include path.
#include <pathline/pathline.hpp>

#include <iostream>

#if defined(EXPECT_OPENMP) && !defined(_OPENMP)
#error "pathline::parallel does not turn OpenMP on"
#endif

int main() {
  pathline::Workspace<float> workspace;
  pathline::Workspace<float>::Frame frame(workspace);
  const auto zeros = frame.batch(2, 3).setZero();
  std::cout << "pathline " << pathline::version_major << '.' << pathline::version_minor << '.'
            << pathline::version_patch << ", sum " << zeros.sum() << '\n';
  return zeros.sum() == 0 ? 0 : 1;
}
