/// \file
/// The command line, by CLI11.
#include <examples/command_line/command_line.hpp>

#include <CLI/CLI.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace examples {

namespace {

void check(CLI::Option& option, CLI::Validator validator, Bounds bounds) {
  if (bounds == Bounds::hidden) validator.description("");
  option.check(std::move(validator));
}

}  // namespace

CommandLine::CommandLine(const std::string& description, Bounds bounds)
    : app_(std::make_unique<CLI::App>(description)), bounds_(bounds) {
  if (bounds == Bounds::hidden) app_->get_formatter()->column_width(34);
}
CommandLine::~CommandLine() = default;

template <class Value>
CommandLine::Option CommandLine::add(const std::string& name, Value& value, const std::string& help) {
  return {app_->add_option(name, value, help)->capture_default_str(), bounds_};
}
template CommandLine::Option CommandLine::add(const std::string&, int&, const std::string&);
template CommandLine::Option CommandLine::add(const std::string&, std::ptrdiff_t&, const std::string&);
template CommandLine::Option CommandLine::add(const std::string&, std::uint64_t&, const std::string&);
template CommandLine::Option CommandLine::add(const std::string&, double&, const std::string&);
template CommandLine::Option CommandLine::add(const std::string&, std::filesystem::path&, const std::string&);
template CommandLine::Option CommandLine::add(const std::string&, std::string&, const std::string&);
template CommandLine::Option CommandLine::add(const std::string&, std::vector<std::string>&, const std::string&);
template CommandLine::Option CommandLine::add(const std::string&, std::vector<std::uint64_t>&, const std::string&);

void CommandLine::add_flag(const std::string& name, bool& value, const std::string& help) {
  app_->add_flag(name, value, help);
}

void CommandLine::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app_->exit(error));
  }
}

const CommandLine::Option& CommandLine::Option::type(const std::string& name) const {
  option_->type_name(name);
  return *this;
}
template <class Number>
const CommandLine::Option& CommandLine::Option::within(Number low, Number high) const {
  check(*option_, CLI::Range(low, high), bounds_);
  return *this;
}
template const CommandLine::Option& CommandLine::Option::within(int, int) const;
template const CommandLine::Option& CommandLine::Option::within(double, double) const;
const CommandLine::Option& CommandLine::Option::positive() const {
  check(*option_, CLI::PositiveNumber, bounds_);
  return *this;
}
const CommandLine::Option& CommandLine::Option::not_negative() const {
  check(*option_, CLI::NonNegativeNumber, bounds_);
  return *this;
}
const CommandLine::Option& CommandLine::Option::one_of(const std::vector<std::string>& names) const {
  check(*option_, CLI::IsMember(names), bounds_);
  return *this;
}
const CommandLine::Option& CommandLine::Option::with_commas() const {
  option_->delimiter(',')->allow_extra_args(false);
  return *this;
}
const CommandLine::Option& CommandLine::Option::without_default() const {
  option_->default_str("");
  return *this;
}
bool CommandLine::Option::given() const { return option_->count() > 0; }

}  // namespace examples
