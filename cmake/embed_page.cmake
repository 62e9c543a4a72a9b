# Makes a source of page.html, and its Content-Security-Policy, which names its one script and one style by their
# hashes: neither anything else inside the page nor anything from outside is run or applied.

# SHA-256 of the text between <TAG> and </TAG>, in base64, as the policy wants it.
function(tally_hash_of_element page tag result)
  string(FIND "${page}" "<${tag}>" begin)
  string(FIND "${page}" "</${tag}>" end)
  if(begin EQUAL -1 OR end EQUAL -1)
    message(FATAL_ERROR "the page has no <${tag}>")
  endif()
  string(LENGTH "<${tag}>" skipped)
  math(EXPR begin "${begin} + ${skipped}")
  math(EXPR length "${end} - ${begin}")
  string(SUBSTRING "${page}" ${begin} ${length} content)
  string(SHA256 digest "${content}")
  set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  set(encoded "")
  # Three hexadecimal digits are two of base64; the last, lonely one is padded.
  foreach(at RANGE 0 60 3)
    string(SUBSTRING "${digest}" ${at} 3 three)
    math(EXPR high "0x${three} >> 6")
    math(EXPR low "0x${three} & 63")
    string(SUBSTRING "${alphabet}" ${high} 1 first)
    string(SUBSTRING "${alphabet}" ${low} 1 second)
    string(APPEND encoded "${first}${second}")
  endforeach()
  string(SUBSTRING "${digest}" 63 1 last)
  math(EXPR low "0x${last} << 2")
  string(SUBSTRING "${alphabet}" ${low} 1 first)
  set(${result} "'sha256-${encoded}${first}='" PARENT_SCOPE)
endfunction()

function(tally_embed_page file output)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} page_text)
  tally_hash_of_element("${page_text}" script script)
  tally_hash_of_element("${page_text}" style style)
  string(CONCAT policy
    "default-src 'none'; script-src ${script}; style-src ${style}; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
  file(CONFIGURE OUTPUT ${output} CONTENT
"#include \"api/page.hpp\"
namespace tally::api {
std::string_view page_document() {
    return R\"page(@page_text@)page\";
}
std::string_view page_policy() {
    return \"@policy@\";
}
}  // namespace tally::api
" @ONLY)
endfunction()
