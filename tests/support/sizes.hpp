/// \file
/// Doors that take a matrix, called with matrices of all wrong shapes: each call is refused with a typed error, and
/// what was there works as before.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <support/catch.hpp>

#include <functional>
#include <string>
#include <vector>

namespace pathline::test {

/// Gaussian numbers.
[[nodiscard]] inline Batch<double> matrix_of(Index rows, Index columns) {
  Batch<double> X(rows, columns);
  if (X.size() > 0) fill<Gaussian>(Draw{3, 1}, 0, X);
  return X;
}

/// Called with a matrix of this shape a door gives a number that depends on the matrix.
struct Door {
  enum class Columns { any, these };  ///< Whether another number of columns is as right as this one, but for none.

  std::string name;
  Index rows, columns;
  Columns right;
  std::function<double(const Batch<double>& X)> call;
};

inline void check_sizes(const std::vector<Door>& doors) {
  struct Shape {
    Index rows, columns;
  };
  for (const Door& door : doors) {
    const auto [rows, columns] = Shape{door.rows, door.columns};
    std::vector<Shape> wrong{{rows + 1, columns}, {rows - 1, columns}, {0, columns}, {rows, 0}, {0, 0}};
    if (rows != columns) wrong.push_back({columns, rows});
    if (door.right == Door::Columns::these) wrong.push_back({rows, columns + 1});
    if (door.right == Door::Columns::these && columns > 1) wrong.push_back({rows, columns - 1});
    const Batch<double> right = matrix_of(rows, columns);
    const double expected = door.call(right);
    for (const Shape& shape : wrong) {
      INFO(door.name << ": " << shape.rows << " x " << shape.columns << " for " << rows << " x " << columns);
      CHECK_THROWS_AS(door.call(matrix_of(shape.rows, shape.columns)), Error);
    }
    INFO(door.name);
    CHECK(door.call(right) == expected);
  }
}

}  // namespace pathline::test
