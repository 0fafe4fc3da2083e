/// \file
/// Command lines of the examples. CLI11 reads them, and is compiled here once instead of in each program.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace examples {

/// Whether the help shows the bounds of numbers. Where it does not, its left column is wider.
enum class Bounds { shown, hidden };

class CommandLine {
 public:
  explicit CommandLine(const std::string& description, Bounds bounds = Bounds::shown);
  ~CommandLine();

  /// What more is known of an option. Each function returns the option itself.
  class Option {
   public:
    /// What the help calls the value.
    const Option& type(const std::string& name) const;
    /// \tparam Number  int or double.
    template <class Number>
    const Option& within(Number low, Number high) const;
    const Option& positive() const;
    const Option& not_negative() const;
    const Option& one_of(const std::vector<std::string>& names) const;
    /// A list, in one argument.
    const Option& with_commas() const;
    /// The help says nothing of the value that holds if the option is not given.
    const Option& without_default() const;
    [[nodiscard]] bool given() const;

   private:
    friend class CommandLine;
    Option(CLI::Option* option, Bounds bounds) : option_(option), bounds_(bounds) {}
    CLI::Option* option_;
    Bounds bounds_;
  };

  /// \param value  What holds if the option is not given; set by parse().
  /// \tparam Value  int, Index, std::uint64_t, double, a path, a string, or a vector of strings or std::uint64_t.
  template <class Value>
  Option add(const std::string& name, Value& value, const std::string& help);
  /// An option without a value.
  void add_flag(const std::string& name, bool& value, const std::string& help);

  /// Ends the program after `--help` (status 0) and for a line that cannot be read.
  void parse(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
  Bounds bounds_;
};

}  // namespace examples
