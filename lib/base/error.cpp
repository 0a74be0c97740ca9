#include "lib/base/error.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace cv {

namespace {

struct Kind {
  int status;
  std::string_view id;
};

Kind kind(Errc code) {
  switch (code) {
    case Errc::key_wrong: return {2, "CV-KEY-WRONG"};
    case Errc::key_missing: return {2, "CV-KEY-MISSING"};
    case Errc::key_file: return {2, "CV-KEY-FILE"};
    case Errc::usage: return {3, "CV-USAGE"};
    case Errc::bad_size: return {3, "CV-SIZE"};
    case Errc::bad_name: return {3, "CV-NAME"};
    case Errc::not_found: return {5, "CV-NOT-FOUND"};
    case Errc::exists: return {5, "CV-EXISTS"};
    case Errc::no_space: return {5, "CV-NO-SPACE"};
    case Errc::in_use: return {5, "CV-IN-USE"};
    case Errc::damaged: return {5, "CV-DAMAGED"};
    case Errc::refused: return {5, "CV-REFUSED"};
    case Errc::unsupported: return {5, "CV-UNSUPPORTED"};
    case Errc::no_handler: return {5, "CV-NO-HANDLER"};
    case Errc::locked: return {5, "CV-LOCKED"};
    case Errc::overflow: return {5, "CV-OVERFLOW"};
    case Errc::io: return {5, "CV-IO"};
    case Errc::kernel: return {5, "CV-KERNEL"};
    case Errc::interrupted: return {5, "CV-INTERRUPTED"};
  }
  return {5, "CV-UNKNOWN"};
}

}  // namespace

int exit_status(Errc code) {
  return kind(code).status;
}

std::string_view error_id(Errc code) {
  return kind(code).id;
}

Error Error::within(std::string_view context) const {
  Error outer(code_, "{}: {}", context, what());
  outer.advice_ = advice_;
  return outer;
}

std::string errno_text(int error_number) {
  char buffer[128];
  return strerror_r(error_number, buffer, sizeof buffer);
}

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "  internal error: %s (%s:%d); please report this\n", condition, file, line);
  std::abort();
}

}  // namespace cv
