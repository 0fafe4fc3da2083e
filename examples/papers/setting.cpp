#include <examples/papers/setting.hpp>

#include <examples/common/number_text.hpp>
#include <examples/common/plot.hpp>

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <iostream>
#include <numeric>

namespace examples::papers {

void Setting::add_to(CommandLine& line) {
  line.add("--seeds", seeds, "of data, parameters and mini-batches").within(1, 100);
  line.add_flag("--full", full, "longer than minutes");
  line.add_flag("--brief", brief, "a few iterations, to see that it runs");
  line.add("--out", out, "folder for the picture").type("DIR");
}

std::vector<std::uint64_t> Setting::all_seeds() const {
  std::vector<std::uint64_t> all(std::size_t(brief ? 1 : seeds));
  std::iota(all.begin(), all.end(), std::uint64_t(1));
  return all;
}

std::filesystem::path Setting::picture(const std::string& name) const {
  if (!plot::gnuplot_available()) std::cout << plot::gnuplot_advice() << '\n';
  std::filesystem::create_directories(out);
  std::cout << "picture: " << (out / name).string() << '\n';
  return out / name;
}

std::string spread(const std::vector<double>& values, int decimals) {
  if (values.empty()) return "none";
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
  std::string text = number_text(mean, decimals);
  if (*least < *most) text += " (" + number_text(*least, decimals) + " to " + number_text(*most, decimals) + ")";
  return text;
}

double processor_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace examples::papers
