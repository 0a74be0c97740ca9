#include "tools/regex.h"

#include <memory>

#include <regex.h>

#include "lib/base/error.h"

namespace cv::tools {

bool found_in(const std::string& pattern, const std::string& text) {
  regex_t compiled;
  if (const int problem = regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB); problem != 0) {
    char reason[128];
    regerror(problem, &compiled, reason, sizeof reason);
    throw Error(Errc::usage, "'{}' is no regular expression: {}", pattern, reason);
  }
  const std::unique_ptr<regex_t, decltype(&regfree)> owner(&compiled, regfree);
  return regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
}

}  // namespace cv::tools
