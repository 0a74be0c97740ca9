#include "tests/support/in_process.h"

#include <fcntl.h>

#include <filesystem>

#include "lib/base/handle.h"
#include "tools/program.h"

namespace cv::test {

namespace {

class NoConsole final : public tools::Console {
 public:
  tools::Input input() override { return tools::Input::none; }
  std::optional<crypt::SecureBytes> ask_hidden(const std::string&) override { return std::nullopt; }
  std::optional<crypt::SecureBytes> next_line() override { return std::nullopt; }
  std::optional<crypt::SecureBytes> ask_agent(const std::string&, const std::string&) override {
    return std::nullopt;
  }
  std::optional<std::string> ask(const std::string&) override { return std::nullopt; }
};

}  // namespace

InProcess::InProcess() {
  // Disks fail here a thousand times; a thousand archived texts would tell nothing more.
  std::filesystem::create_directories(room_.path("lvm"));
  write_file(room_.path("lvm/lvm.conf"), std::string_view("backup { archive = 0 backup = 0 }\n"));
}

void InProcess::run(const std::vector<Disk>& disks, std::vector<std::string> words, const Wrap& wrap) {
  words.insert(words.begin(), "cvm");
  words.insert(words.begin() + 2, {"--nolocking", "--quiet"});
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  NoConsole console;
  tools::Output output(null.get(), tools::Format::basic);
  tools::MessageSink sink(null.get());
  const log::Redirect redirect(sink);
  tools::Host host;
  host.console = &console;
  host.output = &output;
  host.make_mapper = [](const activate::NodeSettings&) { return activate::absent_mapper(); };
  host.make_keyring = [] { return std::unique_ptr<crypt::Keyring>(); };
  host.open_devices = [&](const tools::Arguments&, const tools::Configuration&) {
    tools::Devices devices;
    for (const Disk& disk : disks) devices.push_back(wrap(*disk));
    return devices;
  };
  host.lvm_system_dir = room_.path("lvm");
  host.lvm_run_dir = room_.path("run-lvm");
  host.run_dir = room_.path("run");
  tools::run_command(words, host, sink);
}

void InProcess::run(const std::vector<Disk>& disks, std::vector<std::string> words) {
  run(disks, std::move(words), [](MemoryDevice& disk) { return std::make_unique<BorrowedDevice>(disk); });
}

std::string InProcess::key_file(const std::string& secret) {
  const std::string path = room_.path("key-" + secret);
  write_file(path, secret);
  return path;
}

}  // namespace cv::test
