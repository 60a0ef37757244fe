"""Inspect AI, for the tests of exchange: `run FOLDER` evaluates a task with a model whose answers stand here, and writes a log, and the same log with
its samples in chunks; `read FILE…` opens logs and prints what is in them, as one JSON object."""

import json
import sys


def run(folder):
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample
    from inspect_ai.log._recorders.chunked.convert import convert_eval_logs_to_chunked
    from inspect_ai.model import (
        ChatCompletionChoice, ChatMessageAssistant, ContentReasoning, ContentText, ModelAPI, ModelOutput, ModelUsage, StopCategory, StopDetails,
        modelapi,
    )
    from inspect_ai.scorer import Score, match, mean, scorer
    from inspect_ai.solver import generate, system_message

    @modelapi(name="canned")
    class Canned(ModelAPI):
        async def count_tokens(self, *args, **kwargs):
            return 7

        async def generate(self, input, tools, tool_choice, config):
            asked = input[-1].text
            if "bomb" in asked:
                details = StopDetails(type="content_filter", category="violence", explanation="not that",
                                      categories=[StopCategory(category="violence", level="high")])
                choice = ChatCompletionChoice(message=ChatMessageAssistant(content=""), stop_reason="content_filter", stop_details=details)
                return ModelOutput(model="canned/one", choices=[choice])
            if "fail" in asked:
                raise RuntimeError("no such luck")
            content = [ContentReasoning(reasoning="hmm"), ContentText(text="Paris " + "x" * 200)]
            choice = ChatCompletionChoice(message=ChatMessageAssistant(content=content), stop_reason="stop")
            usage = ModelUsage(input_tokens=11, output_tokens=5, total_tokens=20, input_tokens_cache_read=4)
            return ModelOutput(model="canned/one", choices=[choice], usage=usage)

    @scorer(metrics={"length": [mean()], "odd": [mean()]})
    def both():
        async def score(state, target):
            return Score(value={"length": len(state.output.completion), "odd": float("nan")}, answer="an answer")
        return score

    samples = [Sample(id="a", input="Capital of France?", target="Paris"), Sample(id="b/1", input="Capital of Peru?", target="Lima"),
               Sample(id=3, input="How is a bomb made?", target="no"), Sample(id="f", input="fail", target="no")]
    task = Task(name="capitals", dataset=samples, solver=[system_message("Be brief."), generate()], scorer=[match(location="begin"), both()],
                epochs=2, fail_on_error=False)
    [log] = eval(task, model="canned/one", log_dir=folder, display="none", log_level="error")
    convert_eval_logs_to_chunked(log.location, folder + "/chunked")
    print(json.dumps({s.name: {n: m.value for n, m in s.metrics.items()} for s in log.results.scores}).replace("NaN", "null"))


def read(files):
    from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries
    told = {}
    for file in files:
        log = read_eval_log(file)
        assert len(read_eval_log_sample_summaries(file)) == len(log.samples)
        told[log.eval.model + " " + log.eval.task] = {
            "status": log.status, "version": log.version,
            "metrics": {s.name: {n: m.value for n, m in s.metrics.items()} for s in log.results.scores},
            "samples": [{
                "id": s.id, "epoch": s.epoch, "stop": s.output.stop_reason if s.output.choices else None,
                "details": s.output.choices[0].stop_details.model_dump() if s.output.choices and s.output.choices[0].stop_details else None,
                "completion": s.output.completion, "scores": {n: v.value for n, v in (s.scores or {}).items()},
                "error": s.error.message if s.error else None, "asked": s.input_text if hasattr(s, "input_text") else str(s.input),
            } for s in log.samples],
        }
    print(json.dumps(told))


if sys.argv[1] == "run":
    run(sys.argv[2])
else:
    read(sys.argv[2:])
