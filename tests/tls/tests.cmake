unit_tests(tls stream_test.cpp)
target_link_libraries(tls_test PRIVATE test_support)
