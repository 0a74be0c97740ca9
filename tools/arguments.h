// The words of a command line, checked against the command's table.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/command.h"

namespace cv::tools {

class Arguments {
 public:
  /// Throws Errc::usage with a sentence for whatever the table does not allow.
  Arguments(const Command& command, std::span<const std::string> words);

  const Command& command() const { return *command_; }

  /// All of these may be asked for any option; one that the command does not offer was not given.
  bool has(const Option& option) const { return count(option) > 0; }
  std::size_t count(const Option& option) const;
  /// The last value where it was given several times.
  std::optional<std::string> text(const Option& option) const;
  std::vector<std::string> texts(const Option& option) const;
  /// A decimal number up to `max`; throws Errc::usage that names the option.
  std::optional<std::uint64_t> number(const Option& option, std::uint64_t max = UINT64_MAX) const;
  /// "y" or "n".
  std::optional<bool> yes_or_no(const Option& option) const;

  const std::vector<std::string>& operands() const { return operands_; }
  /// The operand at `index`; there is one, min_operands says so.
  const std::string& operand(std::size_t index) const;

  /// Throws Errc::usage where both were given.
  void exclude(const Option& one, const Option& other) const;

 private:
  const Command* command_;
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> operands_;
};

}  // namespace cv::tools
