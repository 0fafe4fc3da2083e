/// \file
/// The error of files that break the rules of their format.
#pragma once

#include <pathline/core/errors.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace pathline {

/// A file that breaks the rules of its format: `read_npy: x.npy, byte 6: version is 9.0, expected 1.0, 2.0 or 3.0`.
/// Nothing has been changed when it is thrown.
struct FormatError : FileError {
  /// \param source  Opens the message: "read_npy: x.npy".
  /// \param byte    Where in the file, from 0.
  FormatError(const std::string& source, std::size_t byte, const std::string& what, std::string what_is,
              std::string what_should_be)
      : FileError(source + ", byte " + std::to_string(byte) + ": " + what + " is " + what_is + ", expected " +
                  what_should_be),
        offset(byte),
        got(std::move(what_is)),
        expected(std::move(what_should_be)) {}
  std::size_t offset;         ///< In bytes from the start of the file.
  std::string got, expected;  ///< As in the message.
};

}  // namespace pathline
