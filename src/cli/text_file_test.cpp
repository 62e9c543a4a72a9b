// Lines come out of a file whole and the same, whatever it is compressed with, and a file that is
// cut anywhere is never taken for a whole one.
#include "cli/text_file.hpp"

#include <gtest/gtest.h>
#include <lz4frame.h>
#include <lzma.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <vector>

namespace tally::cli {
namespace {

std::string gzip(const std::string& text) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, text.size()) + 64, 0);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = uInt(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = uInt(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string xz(const std::string& text) {
    std::string out(lzma_stream_buffer_bound(text.size()), 0);
    size_t at = 0;
    EXPECT_EQ(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr,
                                      reinterpret_cast<const uint8_t*>(text.data()), text.size(),
                                      reinterpret_cast<uint8_t*>(out.data()), &at, out.size()),
              LZMA_OK);
    out.resize(at);
    return out;
}

std::string lz4(const std::string& text) {
    LZ4F_preferences_t preferences{};
    preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    std::string out(LZ4F_compressFrameBound(text.size(), &preferences), 0);
    out.resize(LZ4F_compressFrame(out.data(), out.size(), text.data(), text.size(), &preferences));
    return out;
}

std::string plain(const std::string& text) {
    return text;
}

class TextFileTest : public testing::TestWithParam<std::string (*)(const std::string&)> {
protected:
    TextFileTest() : path_(testing::TempDir() + "text-" + std::to_string(::getpid())) {}
    ~TextFileTest() override { std::filesystem::remove(path_); }

    struct Read {
        std::vector<std::string> lines;
        std::string error;  ///< code, or empty
    };
    Read read(const std::string& content) {
        std::ofstream(path_, std::ios::binary) << content;
        auto file = TextFile::open(path_);
        if (!file.ok()) return {{}, std::string(file.error().code)};
        Read read;
        while (true) {
            const auto line = file->line();
            if (!line.ok()) return {read.lines, std::string(line.error().code)};
            if (!*line) return read;
            read.lines.emplace_back(**line);
        }
    }
    std::string path_;
};

TEST_P(TextFileTest, gives_every_line_once) {
    std::vector<std::string> lines{"", "a", "", std::string(300'000, 'b'), "c"};
    for (int i = 0; i < 200'000; ++i) lines.push_back("line " + std::to_string(i * 7919));
    lines.emplace_back(900'000, 'd');  // Compresses so well that little input is much output.
    lines.emplace_back("");
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    const auto whole = read(GetParam()(text));
    EXPECT_EQ(whole.error, "");
    EXPECT_TRUE(whole.lines == lines);
    EXPECT_TRUE(read(GetParam()("")).lines.empty());
    EXPECT_EQ(read(GetParam()("x\n") + GetParam()("y\n")).lines,
              (std::vector<std::string>{"x", "y"}));
    EXPECT_EQ(read(GetParam()("x\ny")).error, "file_cut_short");
}

TEST_P(TextFileTest, is_not_taken_in_when_cut_short) {
    const std::string content = GetParam()("one\ntwo\nthree\n");
    for (size_t length = 8; length < content.size(); ++length) {
        const auto cut = read(content.substr(0, length));
        const bool at_line_end = GetParam() == &plain && content[length - 1] == '\n';
        EXPECT_EQ(cut.error, at_line_end ? "" : "file_cut_short") << length;
    }
    if (GetParam() == &plain) return;
    std::string damaged = content;
    damaged[content.size() / 2] ^= 0x55;
    EXPECT_NE(read(damaged).error, "");
}

INSTANTIATE_TEST_SUITE_P(Formats, TextFileTest, testing::Values(&plain, &gzip, &xz, &lz4));

TEST(TextFile, that_cannot_be_read_is_named) {
    const auto none = TextFile::open("/no/such/file");
    ASSERT_FALSE(none.ok());
    EXPECT_NE(none.error().detail.find("/no/such/file"), std::string::npos);
    auto folder = TextFile::open(testing::TempDir());
    EXPECT_FALSE(folder.ok());
}

}  // namespace
}  // namespace tally::cli
