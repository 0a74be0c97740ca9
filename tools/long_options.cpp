#include "tools/long_options.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "lib/base/error.h"

namespace cv::tools {

namespace {

std::string without_hyphens(std::string_view name) {
  std::string bare(name);
  bare.erase(std::remove(bare.begin(), bare.end(), '-'), bare.end());
  return bare;
}

std::string joined(const std::vector<const Option*>& options) {
  std::string text;
  for (const Option* option : options) text += fmt::format("{}--{}", text.empty() ? "" : ", ", option->name);
  return text;
}

class Pass {
 public:
  Pass(std::span<const std::string> words, std::span<const OptionGroup> table) : words_(words) {
    for (const auto& group : table) {
      for (const auto& option : group.options) options_.push_back(&option);
    }
  }

  PlainArguments run() {
    while (at_ < words_.size()) {
      const std::string_view word = words_[at_++];
      if (word == "--") {
        result_.operands.insert(result_.operands.end(), words_.begin() + static_cast<std::ptrdiff_t>(at_),
                                words_.end());
        break;
      }
      if (word.starts_with("--")) {
        take_long(word.substr(2));
      } else if (word.size() > 1 && word.front() == '-') {
        take_short(word.substr(1));
      } else {
        result_.operands.emplace_back(word);
      }
    }
    return std::move(result_);
  }

 private:
  void take_long(std::string_view word) {
    const auto equals = word.find('=');
    const Option& option = by_name(word.substr(0, equals));
    if (equals == std::string_view::npos) {
      take(option, std::nullopt);
    } else if (option.value.empty()) {
      throw Error(Errc::usage, "option --{} takes no value", option.name);
    } else {
      take(option, word.substr(equals + 1));
    }
  }

  void take_short(std::string_view letters) {
    while (!letters.empty()) {
      const Option& option = by_letter(letters.front());
      letters.remove_prefix(1);
      if (option.value.empty()) {
        take(option, std::nullopt);
        continue;
      }
      take(option, letters.empty() ? std::nullopt : std::optional(letters));
      return;
    }
  }

  void take(const Option& option, std::optional<std::string_view> value) {
    if (option.value.empty()) {
      result_.options.push_back(fmt::format("--{}", option.name));
      return;
    }
    if (!value) {
      if (at_ == words_.size()) {
        throw Error(Errc::usage, "option {} needs a value", label(option))
            .advise("write --{} {}", option.name, option.value);
      }
      value = words_[at_++];
    }
    result_.options.push_back(fmt::format("--{}={}", option.name, *value));
  }

  const Option& by_name(std::string_view typed) const {
    const std::string bare = without_hyphens(typed);
    std::vector<const Option*> candidates;
    for (const Option* option : options_) {
      const std::string name = without_hyphens(option->name);
      if (name == bare) return *option;
      if (!bare.empty() && name.starts_with(bare)) candidates.push_back(option);
    }
    if (candidates.empty()) {
      throw Error(Errc::usage, "there is no option --{}", typed).advise("--help lists the options");
    }
    if (candidates.size() > 1) {
      throw Error(Errc::usage, "option --{} is ambiguous", typed)
          .advise("it could be {}", joined(candidates));
    }
    return *candidates.front();
  }

  const Option& by_letter(char letter) const {
    const auto found = std::ranges::find(options_, letter, &Option::letter);
    if (letter == 0 || found == options_.end()) {
      throw Error(Errc::usage, "there is no option -{}", letter).advise("--help lists the options");
    }
    return **found;
  }

  std::span<const std::string> words_;
  std::vector<const Option*> options_;
  std::size_t at_ = 0;
  PlainArguments result_;
};

}  // namespace

PlainArguments plain_arguments(std::span<const std::string> words, std::span<const OptionGroup> table) {
  return Pass(words, table).run();
}

}  // namespace cv::tools
