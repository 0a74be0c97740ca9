// A program that is given a request and answers with bytes, within limits.
#pragma once

#include <cstddef>
#include <string>

#include "lib/crypt/external.h"
#include "lib/crypt/secret.h"

namespace cv::crypt {

struct CommandAnswer {
  SecureBytes output;     ///< what it wrote to standard output
  std::string complaint;  ///< the last line that it wrote to standard error
  int status = 0;         ///< as waitpid() gives it
};

/// Runs the program with `request` on its standard input, nothing but PATH and LC_ALL in its environment, in
/// a process group that is killed at the end. Throws Errc::key_missing where its patience passes, or where it
/// writes more than `longest` bytes; Errc::refused and Errc::not_found for a program that can't be trusted or
/// is not there.
CommandAnswer ask_program(const CommandSpec& spec, uid_t owner, const SecureBytes& request,
                          std::size_t longest);

}  // namespace cv::crypt
