/// \file
/// Options as notes of a file, and back.
#include <examples/cnf/saved_flow.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/fingerprint.hpp>
#include <pathline/io/number_text.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

namespace examples::cnf {

namespace {

/// Calls each(name, value) for whatever a flow, its table and its split depend on.
template <class AnyOptions, class Each>
void for_options(AnyOptions& options, Each&& each) {
  each("data", options.data);
  each("columns", options.table.columns);
  each("header", options.table.header);
  each("separator", options.table.separator);
  each("decimal", options.table.decimal);
  each("skip-missing", options.table.skip_missing);
  each("test", options.test);
  each("validation", options.validation);
  each("seed", options.seed);
  each("width", options.width);
  each("depth", options.depth);
  each("solver", options.solver);
  each("gradient", options.gradient);
  each("trace", options.trace);
  each("probes", options.probes);
  each("tolerance", options.tolerance);
  each("steps", options.steps);
  each("kinetic-energy", options.kinetic_energy);
}

template <class Value>
[[nodiscard]] std::string text_of(const Value& value) {
  if constexpr (std::same_as<Value, std::filesystem::path>) {
    return value.string();
  } else if constexpr (std::same_as<Value, std::vector<std::string>>) {
    std::string lines;
    for (const std::string& one : value) lines += one + '\n';
    return lines;
  } else if constexpr (std::is_enum_v<Value>) {
    return std::to_string(int(value));
  } else if constexpr (std::same_as<Value, double>) {
    return pathline::io::format_number(value);
  } else if constexpr (std::same_as<Value, char> || std::same_as<Value, std::string>) {
    return std::string() + value;
  } else {
    return std::to_string(value);
  }
}

/// \throws pathline::DataError for a text that text_of() does not write.
template <class Value>
void read_text(const std::string& name, const std::string& text, Value& value) {
  std::istringstream stream(text);
  if constexpr (std::same_as<Value, std::filesystem::path> || std::same_as<Value, std::string>) {
    value = text;
  } else if constexpr (std::same_as<Value, std::vector<std::string>>) {
    value.clear();
    for (std::string line; std::getline(stream, line);) value.push_back(line);
  } else if constexpr (std::same_as<Value, char>) {
    if (text.size() == 1) value = text[0];
  } else if constexpr (std::is_enum_v<Value>) {
    value = Value(text == "1" ? 1 : text == "2" ? 2 : 0);
  } else {
    if (!(stream >> value)) throw pathline::DataError("--load: the note " + name + " is \"" + text + "\", no number");
  }
}

[[nodiscard]] std::string fingerprint(const Table& rows) {
  const Eigen::Index count = rows.rows();
  const std::uint64_t of_count = pathline::detail::fingerprint(&count, sizeof count);
  return std::to_string(
      pathline::detail::fingerprint(rows.data(), std::size_t(rows.size()) * sizeof(double), of_count));
}

}  // namespace

pathline::io::Notes notes_of(const Options& options, const Table& rows) {
  pathline::io::Notes notes;
  for_options(options, [&notes](const char* name, const auto& value) { notes.texts[name] = text_of(value); });
  notes.texts["fingerprint"] = fingerprint(rows);
  return notes;
}

void take_saved_options(Options& options, const std::function<bool(const char*)>& given) {
  const pathline::io::Notes notes = pathline::io::read_notes(options.load);
  const bool other_table = given("data");
  for_options(options, [&](const char* name, auto& value) {
    const auto found = notes.texts.find(name);
    if (found == notes.texts.end())
      throw pathline::FileError(options.load.string() + " has no note \"" + name +
                                "\": it is not a file of this program's --save");
    // Another table is read in its own way; its columns are those that the flow has learned.
    const std::string option = name;
    const bool of_table = option == "data" || option == "header" || option == "separator" || option == "decimal" ||
                          option == "skip-missing";
    if (!given(name) && !(of_table && other_table)) read_text(name, found->second, value);
  });
}

bool same_rows(const Options& options, const Table& rows) {
  return pathline::io::read_notes(options.load).text("fingerprint") == fingerprint(rows);
}

}  // namespace examples::cnf
