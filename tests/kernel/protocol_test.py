"""Jupyter's own tests of kernels (Debian: python3-jupyter-kernel-test): every message is checked against the protocol's schema.

Skipped (77) without them."""
import os
import sys
import unittest

from client import Client

try:
    import jupyter_kernel_test
    from jupyter_kernel_test.msgspec_v5 import validate_message
except ImportError as e:
    print("skipped:", e)
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

PATIENCE = 60


class Protocol(jupyter_kernel_test.KernelTests):
    kernel_name = "cotangent"
    language_name = "c++"
    file_extension = ".cpp"
    code_hello_world = 'std::cout << "hello, world" << std::endl;'
    code_stderr = 'std::cerr << "a complaint" << std::endl;'
    completion_samples = [{"text": "ct::manual_se", "matches": {"manual_seed"}}, {"text": "ct::Tensor().requires_grad_", "matches": {"requires_grad_"}},
                          {"text": "no_such_name_any"}]
    complete_code_samples = ["1", "int a = 1;", "void f() { }", "", "a // (", "?ct::randn"]
    incomplete_code_samples = ["void f() {", "f(1,", "/* a comment", "int a[] = {1, 2", 'auto s = R"(raw']
    invalid_code_samples = ["}", "f(1]", "int a; )"]
    code_page_something = "?ct::randn"
    code_generate_error = "throw std::runtime_error(\"wrong\");"
    code_execute_result = [{"code": "1 + 2 + 3", "result": "6"}, {"code": "ct::tensor({1.5})", "result": "tensor([1.5000])"},
                           {"code": "ct::ones({2, 2})", "mime": "text/html"}, {"code": 'std::string("text")'}]
    code_display_data = [{"code": "ct::show(ct::ones({2}));", "mime": "text/html"}, {"code": "ct::show(1);", "mime": "text/plain"},
                         {"code": "#include <cotangent/plot.h>\nct::plot::Figure fig; fig.ax().plot({1, 2}); ct::show(fig);", "mime": "image/svg+xml"}]
    code_history_pattern = "1?+ 2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "ct::randn"

    @classmethod
    def setUpClass(cls):
        kernel = Client()
        cls.km, cls.kc = kernel.manager, kernel.client

    def execute_helper(self, code, timeout=PATIENCE, silent=False, store_history=True, stop_on_error=True):
        """As theirs, which takes a pause of a tenth of a second for the end."""
        request = self.kc.execute(code=code, silent=silent, store_history=store_history, stop_on_error=stop_on_error)
        reply = self.get_non_kernel_info_reply(timeout=timeout)
        validate_message(reply, "execute_reply", request)
        outputs, state = [], None
        while state != "idle":
            message = self.kc.get_iopub_msg(timeout=timeout)
            validate_message(message, message["msg_type"], request)
            if message["msg_type"] == "status":
                self.assertEqual(message["content"]["execution_state"], "busy" if state is None else "idle")
                state = message["content"]["execution_state"]
            elif message["msg_type"] == "execute_input":
                self.assertEqual(message["content"]["code"], code)
            else:
                outputs.append(message)
        return reply, outputs

    def test_kernel_info(self):
        request = self.kc.kernel_info()
        while True:
            reply = self.kc.get_shell_msg(timeout=PATIENCE)
            if reply["parent_header"]["msg_id"] == request:
                break
        validate_message(reply, "kernel_info_reply", request)
        self.assertEqual(reply["content"]["language_info"]["name"], self.language_name)


if __name__ == "__main__":
    jupyter_kernel_test.TIMEOUT = PATIENCE
    program = unittest.main(argv=sys.argv, exit=False)
    # Theirs are skipped where we name no sample; only clear_output has none.
    skipped = [str(case) for case, _ in program.result.skipped if "clear_output" not in str(case)]
    print("skipped:", skipped)
    sys.exit(bool(skipped) or not program.result.wasSuccessful())
