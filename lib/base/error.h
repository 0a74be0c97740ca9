// The one exception of the program: a kind, a sentence for a person, and what to do about it.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace cv {

/// What kind of failure it is. The kind picks the exit status and the stable id of docs and JSON.
enum class Errc {
  key_wrong,    ///< the secret does not open the store
  key_missing,  ///< there is no secret and nobody to ask
  key_file,     ///< the key file can't be read or has the wrong size
  usage,        ///< unknown command or option, missing argument, options that contradict each other
  bad_size,     ///< a size that can't be read
  bad_name,     ///< an illegal or reserved name
  not_found,    ///< no such device, group, volume or store
  exists,       ///< the name is taken
  no_space,     ///< too few free extents, or no room for metadata
  in_use,       ///< a device is open, a mapping stands above it
  damaged,      ///< what is on a disk contradicts itself
  refused,      ///< understood, but it would be wrong to do it
  unsupported,  ///< not known to this program, this kernel or these libraries
  no_handler,   ///< no key handler of that name is installed
  locked,       ///< somebody else holds the lock
  overflow,     ///< a number is larger than what can be counted
  io,           ///< a device or file failed
  kernel,       ///< device-mapper or the keyring refused
  interrupted,  ///< the person pressed Ctrl-C
};

/// 2 the secret, 3 the command line, 5 any other failure.
int exit_status(Errc code);

/// "CV-KEY-WRONG": stable, listed in cvm(8).
std::string_view error_id(Errc code);

class Error : public std::runtime_error {
 public:
  template <class... Args>
  Error(Errc code, fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)), code_(code) {}

  /// What the person can do; one clause in lower case, without a full stop.
  template <class... Args>
  Error advise(fmt::format_string<Args...> format, Args&&... args) && {
    advice_ = fmt::format(format, std::forward<Args>(args)...);
    return std::move(*this);
  }

  /// The same failure, seen from one step further out.
  Error within(std::string_view context) const;

  Errc code() const { return code_; }
  const std::string& advice() const { return advice_; }

 private:
  Errc code_;
  std::string advice_;
};

/// Runs `work`; an Error that comes out of it gets "context: " in front.
template <class Work>
decltype(auto) during(std::string_view context, Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const Error& error) {
    throw error.within(context);
  }
}

/// "No space left on device" for ENOSPC. For sentences; callers say what failed themselves.
std::string errno_text(int error_number);

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace cv

/// For what only a mistake in this program can make false; stays in release builds.
#define CV_ASSERT(condition) \
  (static_cast<bool>(condition) ? void(0) : ::cv::assertion_failed(#condition, __FILE__, __LINE__))
