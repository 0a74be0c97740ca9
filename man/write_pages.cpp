// Writes the man pages or the completion of the program into a folder; runs during the build.
#include <cstdio>
#include <string>
#include <string_view>

#include "lib/base/handle.h"
#include "tools/commands/list.h"
#include "tools/completion.h"
#include "tools/manual.h"

namespace {

bool write_file(const std::string& path, const std::string& text) {
  const cv::CHandle<std::FILE, std::fclose> file(std::fopen(path.c_str(), "wb"));
  const bool written = file && std::fwrite(text.data(), 1, text.size(), file.get()) == text.size() &&
                       std::fflush(file.get()) == 0;
  if (!written) std::fprintf(stderr, "%s can't be written\n", path.c_str());
  return written;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc == 3 ? argv[1] : "";
  const auto commands = cv::tools::all_commands();
  if (what == "man") {
    for (const auto& page : cv::tools::manual_pages(commands)) {
      if (!write_file(std::string(argv[2]) + "/" + page.name, page.text)) return 1;
    }
    return 0;
  }
  if (what == "completion") {
    return write_file(std::string(argv[2]) + "/cvm", cv::tools::bash_completion(commands)) ? 0 : 1;
  }
  std::fprintf(stderr, "usage: write_pages man|completion FOLDER\n");
  return 1;
}
