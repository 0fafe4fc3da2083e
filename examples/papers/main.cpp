/// \file
/// What the papers of the field train, reproduced in the small: one command a row of docs/papers.md.
///
/// `papers ROW` trains over three seeds, in minutes on two cores, and prints each figure as mean and range; `--full`
/// takes longer, `--brief` seconds. `papers` alone lists the rows.
#include <examples/papers/rows.hpp>

#include <cstdio>
#include <exception>
#include <iostream>
#include <string_view>
#include <vector>

namespace {

using namespace examples::papers;

/// A row reads its options from an argv whose first entry is its name.
struct Row {
  std::string_view name, what;
  void (*run)(int argc, char** argv);
};

const std::vector<Row> rows{
    {"classifier", "Chen 2018: an ODE in place of residual blocks, on digits", classifier},
    {"latent_spiral", "Chen 2018: a latent ODE on spirals observed at irregular times", latent_spiral},
    {"steer_stiff", "Ghosh 2020: STEER on a stiff equation", steer_stiff},
    {"steer_series", "Ghosh 2020: STEER on that latent ODE", steer_series},
    {"tabular", "Grathwohl 2019, Finlay 2020, Onken 2021: flows on tables in 6, 21 and 43 dimensions", tabular},
};

}  // namespace

int main(int argc, char** argv) try {
  const std::string_view name = argc > 1 ? argv[1] : "";
  for (const Row& row : rows)
    if (row.name == name) {
      row.run(argc - 1, argv + 1);
      return 0;
    }
  const bool asked = name.empty() || name == "--help" || name == "-h";
  std::ostream& out = asked ? std::cout : std::cerr;
  if (!asked) out << "papers: there is no row \"" << name << "\"\n";
  out << "papers ROW [OPTIONS]; each row has --seeds, --full, --brief and --help\n";
  for (const Row& row : rows) out << "  " << row.name << ": " << row.what << '\n';
  return asked ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << "papers: " << error.what() << '\n';
  return 1;
}
