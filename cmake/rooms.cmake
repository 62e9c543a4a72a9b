# tally_room(NAME SOURCES … [ROOMS …] [LIBRARIES …] [TESTS …] [TEST_ROOMS …] [FUZZERS …])
#
# One folder is one room is one static library `tally_NAME`. ROOMS are the rooms it may include
# (house.toml is the law, checked by scripts/check-house). TESTS are x_test.cpp files, all linked into one
# program `NAME_tests`; FUZZERS are x_fuzz.cpp files, one program each.
function(tally_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;ROOMS;LIBRARIES;TESTS;TEST_ROOMS;TEST_LIBRARIES;FUZZERS" ${ARGN})
  if(ROOM_SOURCES)
    add_library(tally_${name} STATIC ${ROOM_SOURCES})
    set(scope PUBLIC)
  else()
    add_library(tally_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(tally_${name} ${scope} ${PROJECT_SOURCE_DIR}/src)
  foreach(other ${ROOM_ROOMS})
    target_link_libraries(tally_${name} ${scope} tally_${other})
  endforeach()
  target_link_libraries(tally_${name} ${scope} ${ROOM_LIBRARIES})

  if(TALLY_TESTS AND ROOM_TESTS)
    add_executable(${name}_tests ${ROOM_TESTS})
    target_link_libraries(${name}_tests PRIVATE tally_${name} GTest::gtest_main GTest::gmock
                          ${ROOM_TEST_LIBRARIES})
    foreach(other ${ROOM_TEST_ROOMS})
      target_link_libraries(${name}_tests PRIVATE tally_${other})
    endforeach()
    add_test(NAME ${name} COMMAND ${name}_tests)
  endif()

  # Each fuzzer x_fuzz.cpp defines LLVMFuzzerTestOneInput. With TALLY_FUZZ it is a libFuzzer program;
  # otherwise it replays its corpus (tests/corpus/x) once, as an ordinary test.
  foreach(source ${ROOM_FUZZERS})
    get_filename_component(fuzzer ${source} NAME_WE)
    string(REPLACE "_fuzz" "" corpus ${fuzzer})
    if(TALLY_FUZZ)
      add_executable(${fuzzer} ${source})
      target_compile_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
      target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(${fuzzer} PRIVATE tally_${name})
    elseif(TALLY_TESTS)
      add_executable(${fuzzer} ${source} ${PROJECT_SOURCE_DIR}/cmake/replay_corpus.cpp)
      target_link_libraries(${fuzzer} PRIVATE tally_${name})
      add_test(NAME ${fuzzer} COMMAND ${fuzzer} ${PROJECT_SOURCE_DIR}/tests/corpus/${corpus})
    endif()
  endforeach()
endfunction()
