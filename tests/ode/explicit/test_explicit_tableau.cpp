// The rows of an explicit tableau, one after another. Its concepts: test_concepts.cpp and test_dense_weights.cpp.
#include <pathline/ode/explicit/explicit_tableau.hpp>

#include <support/catch.hpp>

namespace pathline {

TEST_CASE("A(i, j) reads the rows below the diagonal, and 0 elsewhere", "[ode][tableaux]") {
  const ExplicitTableau<4> tableau{.a = {1, 2, 3, 4, 5, 6}};
  const double expected[4][4] = {{0, 0, 0, 0}, {1, 0, 0, 0}, {2, 3, 0, 0}, {4, 5, 6, 0}};
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) CHECK(tableau.A(i, j) == expected[i][j]);
}

}  // namespace pathline
